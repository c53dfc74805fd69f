namespace PerfMonitoring.Shell;

/// <summary>The command line of the shell.</summary>
internal static class ShellCommand
{
    private const string Usage = """
        pmsh                         reads commands from the terminal
        pmsh -c COMMAND              runs one command
        pmsh SCRIPT [ARGUMENT...]    runs a script; its exit code is that of the script, 1 after a terminating error
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["-h" or "--help", ..] or ["-c"])
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        using var session = new ShellSession();
        return args switch
        {
            [] => session.RunInteractively(),
            ["-c", ..] => session.RunCommand(string.Join(' ', args[1..])),
            [var script, .. var arguments] => session.RunScript(script, arguments),
        };
    }
}

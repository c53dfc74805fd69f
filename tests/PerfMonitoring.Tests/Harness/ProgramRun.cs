using System.Diagnostics;

namespace PerfMonitoring.Testing;

/// <summary>Runs one of our programs from the test's output folder.</summary>
internal static class ProgramRun
{
    public static Process Start(string program, params string[] arguments) => Process.Start(StartInfo(program, arguments))!;

    public static Task<(int ExitCode, string Output, string Errors)> ToEndAsync(string program, string input, params string[] arguments) =>
        ToEndAsync(Start(program, arguments), input);

    /// <summary>The same without input, and with variables of its environment.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> ToEndAsync(
        string program, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        ToEndAsync(Start(program, environment, arguments), "");

    public static Process Start(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = StartInfo(program, arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static async Task<(int ExitCode, string Output, string Errors)> ToEndAsync(Process process, string input)
    {
        using var running = process;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }

    private static ProcessStartInfo StartInfo(string program, string[] arguments) => new(Path.Combine(AppContext.BaseDirectory, program), arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };
}

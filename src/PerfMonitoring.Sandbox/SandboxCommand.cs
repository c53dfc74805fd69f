using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace PerfMonitoring.Sandbox;

/// <summary>The command line of the sandbox.</summary>
internal static class SandboxCommand
{
    // Tells the command how to call this program for more load.
    private const string ProgramVariable = "PERFMONITORING_SANDBOX";

    private const string Usage = """
        sandbox run [--database NAME] -- COMMAND [ARGUMENT...]
            Starts a throwaway PostgreSQL, runs the command with PGHOST, PGPORT, PGUSER and PGDATABASE set, and removes the
            server.
        sandbox demo -- COMMAND [ARGUMENT...]
            The same with the demo's database, filled and put under load.
        sandbox load SECONDS
            Puts the demo's load on the database that PGHOST, PGPORT, PGUSER and PGDATABASE name. Commands inside a demo find
            this program by PERFMONITORING_SANDBOX.
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(string[] args)
    {
        using var stopping = new CancellationTokenSource();
        var exitCode = 0;
        void Stop(PosixSignalContext context)
        {
            // The cluster must be removed first. Main then returns the exit code that a shell reports for the signal.
            context.Cancel = true;
            exitCode = context.Signal switch { PosixSignal.SIGINT => 130, PosixSignal.SIGHUP => 129, _ => 143 };
            stopping.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            var separator = Array.IndexOf(args, "--");
            var command = separator < 0 ? [] : args[(separator + 1)..];
            return args switch
            {
                ["run", "--", _, ..] => await RunClusterAsync("sandbox", command, stopping.Token),
                ["run", "--database", var database, "--", _, ..] => await RunClusterAsync(database, command, stopping.Token),
                ["demo", "--", _, ..] => await RunDemoAsync(command, stopping.Token),
                ["load", var seconds] => await LoadAsync(seconds, stopping.Token),
                _ => ExplainUsage(),
            };
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return exitCode;
        }
        catch (Exception failure) when (failure is PostgresMissingException or InvalidOperationException or Win32Exception)
        {
            await Console.Error.WriteLineAsync("sandbox: " + failure.Message);
            return 1;
        }
    }

    private static int ExplainUsage()
    {
        Console.Error.WriteLine(Usage);
        return 2;
    }

    private static async Task<int> RunClusterAsync(string database, string[] command, CancellationToken cancellationToken)
    {
        await using var cluster = await PostgresCluster.StartAsync(new ClusterOptions(), cancellationToken);
        await cluster.CreateDatabaseAsync(database, cancellationToken);
        return await RunCommandAsync(cluster, database, command, cancellationToken);
    }

    private static async Task<int> RunDemoAsync(string[] command, CancellationToken cancellationToken)
    {
        await using var cluster = await PostgresCluster.StartAsync(DemoDatabase.Options, cancellationToken);
        await DemoDatabase.PrepareAsync(cluster, cancellationToken);
        return await RunCommandAsync(cluster, DemoDatabase.Name, command, cancellationToken);
    }

    private static async Task<int> LoadAsync(string seconds, CancellationToken cancellationToken)
    {
        if (!int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var duration) || duration == 0)
        {
            return ExplainUsage();
        }

        await DemoDatabase.LoadAsync(new Dictionary<string, string>(), duration, cancellationToken);
        return 0;
    }

    private static async Task<int> RunCommandAsync(
        PostgresCluster cluster, string database, string[] command, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(command[0], command[1..]);
        foreach (var (name, value) in cluster.Environment(database))
        {
            start.Environment[name] = value;
        }

        start.Environment[ProgramVariable] = Environment.ProcessPath;
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            await StopCommandAsync(process);
            throw;
        }
    }

    // The terminal's Ctrl+C has reached the command too; a signal to this process alone has not.
    private static async Task StopCommandAsync(Process process)
    {
        if (!OperatingSystem.IsWindows())
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }
    }
}

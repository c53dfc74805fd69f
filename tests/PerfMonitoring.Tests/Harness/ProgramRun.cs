using System.Diagnostics;
using System.Globalization;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

/// <summary>Runs a program of this repository from the test's output folder, or any other by its path.</summary>
internal static class ProgramRun
{
    // `dotnet pwsh` starts another program and passes no signals on. So the path of that program is looked up once.
    private static readonly Lazy<Task<string>> PwshPath = new(FindPwshAsync);

    public static Process Start(string program, params string[] arguments) => Process.Start(StartInfo(program, arguments))!;

    public static Task<(int ExitCode, string Output, string Errors)> ToEndAsync(
        string program, string input, params string[] arguments) =>
        ToEndAsync(Start(program, arguments), input);

    /// <summary>Runs a program without input, and with environment variables.</summary>
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

    /// <summary>Starts the repository's pwsh without a profile and without interaction.</summary>
    public static async Task<Process> StartPwshAsync(
        IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Start(await PwshPath.Value, WithModule(environment), ["-NoProfile", "-NonInteractive", .. arguments]);

    /// <summary>Runs the repository's pwsh to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> PwshToEndAsync(
        IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        await ToEndAsync(await StartPwshAsync(environment, arguments), "");

    /// <summary>Sends a POSIX signal.</summary>
    /// <param name="signal">Its name, such as TERM.</param>
    /// <param name="processId">The process.</param>
    public static async Task SignalAsync(string signal, int processId)
    {
        using var kill = Process.Start("kill", ["-" + signal, processId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> FindPwshAsync()
    {
        var start = StartInfo("dotnet", ["pwsh", "-NoProfile", "-NonInteractive", "-Command", "Join-Path $PSHOME pwsh"]);
        start.WorkingDirectory = Repository.Root;
        var (exitCode, output, errors) = await ToEndAsync(Process.Start(start)!, "");
        Assert.True(exitCode == 0, $"There is no `dotnet pwsh`; `dotnet tool restore` brings it. {errors}");
        return output.Trim();
    }

    private static Dictionary<string, string> WithModule(IReadOnlyDictionary<string, string> environment) => new(environment)
    {
        ["PSModulePath"] = Path.Combine(Repository.Root, "artifacts", "module"),
        ["NO_COLOR"] = "1",
    };

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

    private static ProcessStartInfo StartInfo(string program, string[] arguments) => new(Located(program), arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    private static string Located(string program) =>
        Path.Combine(AppContext.BaseDirectory, program) is var own && File.Exists(own) ? own : program;
}

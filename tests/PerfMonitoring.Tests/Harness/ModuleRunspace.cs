using System.Management.Automation;
using System.Management.Automation.Runspaces;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

/// <summary>
/// A PowerShell session with the staged module imported, as for a user. It is bare System.Management.Automation: it has no
/// Select-, Sort-, Format-* and no Out-String.
/// </summary>
public sealed class ModuleRunspace : IDisposable
{
    private readonly Runspace runspace;

    public ModuleRunspace()
        : this(ManifestPath)
    {
    }

    private ModuleRunspace(string? manifest)
    {
        var state = InitialSessionState.CreateDefault2();
        state.ThrowOnRunspaceOpenError = true;
        runspace = RunspaceFactory.CreateRunspace(Host, state);
        runspace.Open();
        if (manifest is not null)
        {
            // The import does not use the session state, because that loses the errors of an import.
            Invoke("Import-Module -Name $args[0] -ErrorAction Stop", manifest).MustSucceed();
        }
    }

    /// <summary>The staged manifest of the build.</summary>
    public static string ManifestPath { get; } =
        Path.Combine(Repository.Root, "artifacts", "module", "PerfMonitoring", "PerfMonitoring.psd1");

    /// <summary>The host of the session: it takes answers and records prompts.</summary>
    public RecordingHost Host { get; } = new();

    /// <summary>A session without the module.</summary>
    public static ModuleRunspace Bare() => new(manifest: null);

    /// <summary>Runs a script to its end.</summary>
    /// <param name="script">The script; its variables and functions stay in the session.</param>
    /// <param name="arguments">Its <c>$args</c>.</param>
    public ScriptResult Invoke(string script, params object?[] arguments) => Run(Prepare(script, arguments, render: false));

    /// <summary>Runs a script and renders its output for a console of 120 columns.</summary>
    /// <returns>The lines, ended by \n.</returns>
    public string Render(string script, params object?[] arguments)
    {
        var result = Run(Prepare(script, arguments, render: true));
        return result.MustSucceed().HostText;
    }

    /// <summary>Starts a script that the test stops later.</summary>
    public RunningScript Start(string script, params object?[] arguments)
    {
        var shell = Prepare(script, arguments, render: false);
        return new RunningScript(shell, Host, Task.Run(() => Run(shell)));
    }

    /// <summary>Sets a variable of the session.</summary>
    public void Set(string name, object? value) => runspace.SessionStateProxy.SetVariable(name, value);

    public void Dispose() => runspace.Dispose();

    private PowerShell Prepare(string script, object?[] arguments, bool render)
    {
        var shell = PowerShell.Create(runspace).AddScript(script, useLocalScope: false);
        foreach (var argument in arguments)
        {
            shell.AddArgument(argument);
        }

        return render ? shell.AddCommand("Out-Default") : shell;
    }

    private ScriptResult Run(PowerShell shell)
    {
        using (shell)
        {
            var output = new PSDataCollection<PSObject>();
            Exception? ending = null;
            try
            {
                shell.Invoke(null, output);
            }
            catch (PipelineStoppedException)
            {
                // The state contains the error.
            }
            catch (RuntimeException failure)
            {
                ending = failure;
            }

            return new ScriptResult
            {
                Output = [.. output],
                Errors = [.. shell.Streams.Error],
                Warnings = [.. shell.Streams.Warning.Select(record => record.Message)],
                Verbose = [.. shell.Streams.Verbose.Select(record => record.Message)],
                Information = [.. shell.Streams.Information],
                Progress = Host.TakeProgress(),
                HostText = Host.TakeText(),
                Exception = ending,
                WasStopped = shell.InvocationStateInfo.State == PSInvocationState.Stopped,
            };
        }
    }
}

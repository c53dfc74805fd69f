using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Shell;

/// <summary>A PowerShell session on this console, with the staged module on its module path.</summary>
internal sealed partial class ShellSession : IDisposable
{
    private const int Failed = 1;

    private readonly ShellHost host = new();
    private readonly Runspace runspace;
    private readonly Lock gate = new();
    private readonly List<PosixSignalRegistration> signals = [];
    private PowerShell? running;
    private int? interruptedBy;

    public ShellSession()
    {
        AddStagedModulePath();
        var state = InitialSessionState.CreateDefault2();
        state.ThreadOptions = PSThreadOptions.ReuseThread;
        runspace = RunspaceFactory.CreateRunspace(host, state);
        runspace.Open();
        using var utility = new StreamReader(typeof(ShellSession).Assembly.GetManifestResourceStream("Utility.ps1")!);
        using (var shell = PowerShell.Create(runspace).AddScript(utility.ReadToEnd(), useLocalScope: false))
        {
            shell.Invoke();
        }

        signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Interrupt(context, 130)));
        signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Interrupt(context, 143)));
    }

    public int RunCommand(string command) => Run(PowerShell.Create(runspace).AddScript(command, useLocalScope: false));

    public int RunScript(string path, string[] arguments)
    {
        var file = Path.GetFullPath(path);
        if (!File.Exists(file))
        {
            host.UI.WriteErrorLine($"There is no script {file}.");
            return Failed;
        }

        var ast = Parser.ParseFile(file, out _, out var errors);
        if (errors.Length > 0)
        {
            foreach (var error in errors)
            {
                host.UI.WriteErrorLine($"{error.Extent.File}:{error.Extent.StartLineNumber}: {error.Message}");
            }

            return Failed;
        }

        // Written out as a command, so that PowerShell itself tells parameter names, values and switches apart. And as a
        // script block, not as a path: only then does its `exit` reach the host.
        var call = string.Concat(arguments.Select(argument => " " + (ParameterName().IsMatch(argument)
            ? argument
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(argument)}'")));
        return Run(PowerShell.Create(runspace).AddScript("param($script) & $script" + call).AddArgument(ast.GetScriptBlock()));
    }

    public int RunInteractively()
    {
        while (host.ExitCode is null && ReadStatement() is { } statement)
        {
            interruptedBy = null;
            RunCommand(statement);
        }

        return host.ExitCode ?? 0;
    }

    public void Dispose()
    {
        signals.ForEach(signal => signal.Dispose());
        runspace.Dispose();
    }

    private static string? ReadStatement()
    {
        var text = "";
        var prompt = "PM> ";
        while (true)
        {
            Console.Write(prompt);
            if (Console.ReadLine() is not { } line)
            {
                return null;
            }

            text += line + "\n";
            Parser.ParseInput(text, out _, out var errors);
            if (!errors.Any(error => error.IncompleteInput))
            {
                return text;
            }

            prompt = ">> ";
        }
    }

    private int Run(PowerShell shell)
    {
        using (shell)
        {
            shell.AddCommand("Out-Default");
            shell.Commands.Commands[0].MergeMyResults(PipelineResultTypes.Error, PipelineResultTypes.Output);
            lock (gate)
            {
                running = shell;
            }

            try
            {
                shell.Invoke();
            }
            catch (PipelineStoppedException) when (interruptedBy is not null)
            {
                // The exit code tells it.
            }
            catch (RuntimeException failure)
            {
                Show(failure.ErrorRecord);
                return host.ExitCode ?? Failed;
            }
            finally
            {
                lock (gate)
                {
                    running = null;
                }

                host.Console.EndProgress();
            }

            return interruptedBy ?? host.ExitCode ?? 0;
        }
    }

    private void Show(ErrorRecord error)
    {
        // Out-Default formats it with its position; left alone it would write it to standard output.
        using var shell = PowerShell.Create(runspace).AddCommand("Out-Default").AddParameter("InputObject", error);
        host.Console.OutputIsError = true;
        shell.Invoke();
        host.Console.OutputIsError = false;
    }

    private void Interrupt(PosixSignalContext context, int exitCode)
    {
        lock (gate)
        {
            // A second one ends the process: somebody has lost patience.
            if (running is null || interruptedBy is not null)
            {
                return;
            }

            context.Cancel = true;
            interruptedBy = exitCode;
            running.BeginStop(null, null);
        }
    }

    private static void AddStagedModulePath()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var modules = Path.Combine(folder.FullName, "artifacts", "module");
            if (Directory.Exists(modules))
            {
                var others = Environment.GetEnvironmentVariable("PSModulePath");
                Environment.SetEnvironmentVariable(
                    "PSModulePath", string.IsNullOrEmpty(others) ? modules : modules + Path.PathSeparator + others);
                return;
            }
        }
    }

    [GeneratedRegex(@"^-[A-Za-z_]\w*(:[\w.$-]*)?$")]
    private static partial Regex ParameterName();
}

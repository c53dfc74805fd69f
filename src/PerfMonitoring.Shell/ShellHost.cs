using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Host;

namespace PerfMonitoring.Shell;

internal sealed class ShellHost : PSHost
{
    public ShellConsole Console { get; } = new();

    /// <summary>The number that an <c>exit</c> has asked for.</summary>
    public int? ExitCode { get; private set; }

    public override string Name => "pmsh";

    public override Version Version { get; } = typeof(ShellHost).Assembly.GetName().Version!;

    public override Guid InstanceId { get; } = Guid.NewGuid();

    public override CultureInfo CurrentCulture { get; } = CultureInfo.CurrentCulture;

    public override CultureInfo CurrentUICulture { get; } = CultureInfo.CurrentUICulture;

    public override PSHostUserInterface UI => Console;

    public override void SetShouldExit(int exitCode) => ExitCode = exitCode;

    public override void EnterNestedPrompt() => throw new PSNotSupportedException();

    public override void ExitNestedPrompt() => throw new PSNotSupportedException();

    public override void NotifyBeginApplication()
    {
    }

    public override void NotifyEndApplication()
    {
    }
}

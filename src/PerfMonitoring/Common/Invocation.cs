using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>A call of a cmdlet: what PowerShell knows of it, for a cmdlet that PowerShell does not run itself.</summary>
/// <param name="CommandName">The name of the cmdlet.</param>
/// <param name="ParameterSetName">The chosen parameter set.</param>
/// <param name="Bound">The bound parameters and their arguments.</param>
/// <param name="ExpectsInput">Whether objects come down the pipeline.</param>
/// <param name="IsWhatIf">Whether -WhatIf is in force.</param>
internal sealed record Invocation(
    string CommandName, string ParameterSetName, Dictionary<string, object> Bound, bool ExpectsInput, bool IsWhatIf);

/// <summary>The runtime of such a cmdlet.</summary>
internal interface IPartRuntime : ICommandRuntime2
{
    /// <summary>Shows a line through the host, even if the pipeline is stopped.</summary>
    void SayToHost(string line);
}

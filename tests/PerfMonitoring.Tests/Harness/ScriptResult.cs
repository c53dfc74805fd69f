using System.Management.Automation;

namespace PerfMonitoring.Testing;

/// <summary>The complete result of one script: its output, its other streams, the host's text, and how it ended.</summary>
public sealed record ScriptResult
{
    public required IReadOnlyList<PSObject> Output { get; init; }

    /// <summary>The non-terminating errors.</summary>
    public required IReadOnlyList<ErrorRecord> Errors { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    public required IReadOnlyList<string> Verbose { get; init; }

    public required IReadOnlyList<InformationRecord> Information { get; init; }

    public required IReadOnlyList<ProgressRecord> Progress { get; init; }

    /// <summary>The host's text: -WhatIf lines, rendered output, echoes of prompts. Lines end with \n.</summary>
    public required string HostText { get; init; }

    /// <summary>The terminating error that ended the script; null without one.</summary>
    public required Exception? Exception { get; init; }

    public bool HadErrors => Exception is not null || Errors.Count > 0;

    /// <summary>The record of the terminating error; null without one.</summary>
    public ErrorRecord? TerminatingError => (Exception as IContainsErrorRecord)?.ErrorRecord;

    /// <summary>Whether the script was stopped, as by Ctrl+C.</summary>
    public required bool WasStopped { get; init; }

    /// <summary>The non-terminating errors and the terminating one, if any.</summary>
    public IReadOnlyList<ErrorRecord> AllErrors => TerminatingError is { } last ? [.. Errors, last] : Errors;

    /// <summary>Fails the test and shows the errors, if there were any.</summary>
    /// <returns>This result.</returns>
    public ScriptResult MustSucceed()
    {
        if (HadErrors)
        {
            var errors = AllErrors.Select(error => $"{error.FullyQualifiedErrorId}: {error}\n{error.Exception}");
            Assert.Fail(string.Join('\n', errors.DefaultIfEmpty($"{Exception}")));
        }

        return this;
    }

    /// <summary>The only object of the output; fails the test if there are errors or another number of objects.</summary>
    public PSObject Only() => Assert.Single(MustSucceed().Output);

    /// <summary>The value of a property of each object of the output.</summary>
    public IReadOnlyList<object?> Values(string property) => [.. Output.Select(item => item.Properties[property]?.Value)];
}

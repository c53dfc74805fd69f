using System.Management.Automation;

namespace PerfMonitoring.Testing;

/// <summary>Everything that one script left: its output, its other streams, what its host showed, and how it ended.</summary>
public sealed record ScriptResult
{
    public required IReadOnlyList<PSObject> Output { get; init; }

    /// <summary>The non-terminating errors.</summary>
    public required IReadOnlyList<ErrorRecord> Errors { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    public required IReadOnlyList<string> Verbose { get; init; }

    public required IReadOnlyList<InformationRecord> Information { get; init; }

    public required IReadOnlyList<ProgressRecord> Progress { get; init; }

    /// <summary>What the host showed: -WhatIf lines, rendered output, prompts' echoes. Lines end with \n.</summary>
    public required string HostText { get; init; }

    /// <summary>The terminating error that ended the script; null when none did.</summary>
    public required Exception? Exception { get; init; }

    public bool HadErrors => Exception is not null || Errors.Count > 0;

    /// <summary>The record of the terminating error.</summary>
    public ErrorRecord? TerminatingError => (Exception as IContainsErrorRecord)?.ErrorRecord;

    /// <summary>Whether it was stopped, as by Ctrl+C.</summary>
    public required bool WasStopped { get; init; }

    /// <summary>The non-terminating errors and the terminating one, if any.</summary>
    public IReadOnlyList<ErrorRecord> AllErrors => TerminatingError is { } last ? [.. Errors, last] : Errors;

    /// <summary>Fails the test, showing the errors, when there were any.</summary>
    /// <returns>Itself.</returns>
    public ScriptResult MustSucceed()
    {
        if (HadErrors)
        {
            var errors = AllErrors.Select(error => $"{error.FullyQualifiedErrorId}: {error}\n{error.Exception}");
            Assert.Fail(string.Join('\n', errors.DefaultIfEmpty($"{Exception}")));
        }

        return this;
    }

    /// <summary>The only object of the output; fails the test when there are errors or another number of objects.</summary>
    public PSObject Only() => Assert.Single(MustSucceed().Output);

    /// <summary>The value of a property of each object of the output.</summary>
    public IReadOnlyList<object?> Values(string property) => [.. Output.Select(item => item.Properties[property]?.Value)];
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Verification;

/// <summary>Whether an index helped.</summary>
public enum VerificationVerdict
{
    /// <summary>The executions that were observed do not decide it.</summary>
    Insufficient,
    /// <summary>Faster, by the least effect that counts or more.</summary>
    Improved,
    /// <summary>Any difference is smaller than the least effect that counts.</summary>
    Neutral,
    /// <summary>Slower, by the least effect that counts or more.</summary>
    Regressed,
}

/// <summary>What became of the time of one statement when an index was built.</summary>
public sealed record QueryVerification
{
    /// <summary>Fingerprint of the statement.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The statement, normalised; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Whether it writes.</summary>
    public bool IsWrite { get; init; }

    /// <summary>The verdict.</summary>
    public VerificationVerdict Verdict { get; init; }

    /// <summary>Mean time of an execution before the build in milliseconds; null where none was observed.</summary>
    public double? MeanBeforeMs { get; init; }

    /// <summary>Mean time of an execution after the build in milliseconds; null where none was observed.</summary>
    public double? MeanAfterMs { get; init; }

    /// <summary>
    /// Change of the mean time as a share of the time before: -0.9 is a tenth of it, 1 is twice. Null where it cannot be told.
    /// </summary>
    public double? Effect { get; init; }

    /// <summary>Lower end of the confidence interval of <see cref="Effect"/>; null where it cannot be told.</summary>
    public double? EffectLower { get; init; }

    /// <summary>Upper end of the confidence interval of <see cref="Effect"/>; null where it cannot be told.</summary>
    public double? EffectUpper { get; init; }

    /// <summary>Executions before the build.</summary>
    public long CallsBefore { get; init; }

    /// <summary>Executions after the build.</summary>
    public long CallsAfter { get; init; }

    /// <summary>Intervals (or logged executions) before the build.</summary>
    public int IntervalsBefore { get; init; }

    /// <summary>Intervals (or logged executions) after the build.</summary>
    public int IntervalsAfter { get; init; }

    /// <summary>What is missing where the verdict is Insufficient, or null.</summary>
    public string? Missing { get; init; }
}

/// <summary>What became of the workload when an index was built, from real executions.</summary>
public sealed record IndexVerification
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>The stored strategy; null where the index was built from one that was not stored.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema.</summary>
    public required string IndexName { get; init; }

    /// <summary>When the build was done.</summary>
    public required DateTimeOffset BuiltAt { get; init; }

    /// <summary>The verdict on all statements together, each counted as often as it ran before the build.</summary>
    public VerificationVerdict Verdict { get; init; }

    /// <summary>Change of their time as a share of the time before; null where it cannot be told.</summary>
    public double? Effect { get; init; }

    /// <summary>Lower end of the confidence interval of <see cref="Effect"/>.</summary>
    public double? EffectLower { get; init; }

    /// <summary>Upper end of the confidence interval of <see cref="Effect"/>.</summary>
    public double? EffectUpper { get; init; }

    /// <summary>Confidence of the intervals, 0 to 1.</summary>
    public double Confidence { get; init; }

    /// <summary>How long before and after the build executions were looked at.</summary>
    public TimeSpan Window { get; init; }

    /// <summary>The least change that counted, as a share of the time before.</summary>
    public double MinimumEffect { get; init; }

    /// <summary>Executions that were compared, before the build.</summary>
    public long CallsBefore => Queries.Sum(q => q.CallsBefore);

    /// <summary>Executions that were compared, after the build.</summary>
    public long CallsAfter => Queries.Sum(q => q.CallsAfter);

    /// <summary>Statements that got slower.</summary>
    public int QueriesRegressed => Queries.Count(q => q.Verdict == VerificationVerdict.Regressed);

    /// <summary>Each statement, the largest time before first.</summary>
    public IReadOnlyList<QueryVerification> Queries { get; init => field = value.ToArray(); } = [];

    /// <summary>The verdict in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>What a person should know besides, as sentences.</summary>
    public IReadOnlyList<string> Notes { get; init => field = value.ToArray(); } = [];

    /// <summary>The database.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}

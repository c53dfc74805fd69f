using PerfMonitoring.Common;

namespace PerfMonitoring.Verification;

/// <summary>Whether an index helped.</summary>
public enum VerificationVerdict : long
{
    /// <summary>The observed executions are not sufficient for a verdict.</summary>
    Insufficient,
    /// <summary>Faster by at least the minimum effect.</summary>
    Improved,
    /// <summary>Any difference is below the minimum effect.</summary>
    Neutral,
    /// <summary>Slower by at least the minimum effect.</summary>
    Regressed,
}

/// <summary>Effect of an index on one query.</summary>
public sealed record QueryVerification
{
    /// <summary>The verdict and the beginning of the query.</summary>
    public override string ToString() => ShortText.Of($"{Verdict}: {ShortText.OfQuery(Query)}");

    /// <summary>Fingerprint of the statement.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The query; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Whether the query writes.</summary>
    public bool IsWrite { get; init; }

    /// <summary>The verdict.</summary>
    public VerificationVerdict Verdict { get; init; }

    /// <summary>Mean execution time before the build, in milliseconds; null where none was observed.</summary>
    public double? MeanBeforeMs { get; init => field = Figure.Round(value); }

    /// <summary>Mean execution time after the build, in milliseconds; null where none was observed.</summary>
    public double? MeanAfterMs { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Change of the mean time as a share of the time before: -0.9 is a tenth of it, 1 is twice. Null where it cannot be
    /// computed.
    /// </summary>
    public double? Effect { get; init => field = Figure.Round(value); }

    /// <summary>Lower end of the confidence interval of <see cref="Effect"/>; null where it cannot be computed.</summary>
    public double? EffectLower { get; init => field = Figure.Round(value); }

    /// <summary>Upper end of the confidence interval of <see cref="Effect"/>; null where it cannot be computed.</summary>
    public double? EffectUpper { get; init => field = Figure.Round(value); }

    /// <summary>Executions before the build.</summary>
    public long CallsBefore { get; init; }

    /// <summary>Executions after the build.</summary>
    public long CallsAfter { get; init; }

    /// <summary>Intervals (or logged executions) before the build.</summary>
    public int IntervalsBefore { get; init; }

    /// <summary>Intervals (or logged executions) after the build.</summary>
    public int IntervalsAfter { get; init; }

    /// <summary>What an Insufficient verdict lacks, or null.</summary>
    public string? Missing { get; init; }
}

/// <summary>Effect of an index on the workload, from real executions.</summary>
public sealed record IndexVerification
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>The stored strategy; null where the index was created from a strategy that was not stored.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema.</summary>
    public required string IndexName { get; init; }

    /// <summary>Time when the build ended.</summary>
    public required DateTimeOffset BuiltAt { get; init; }

    /// <summary>The verdict on all queries together, weighted by their calls before the build.</summary>
    public VerificationVerdict Verdict { get; init; }

    /// <summary>Change of their time as a share of the time before; null where it cannot be computed.</summary>
    public double? Effect { get; init => field = Figure.Round(value); }

    /// <summary>Lower end of the confidence interval of <see cref="Effect"/>.</summary>
    public double? EffectLower { get; init => field = Figure.Round(value); }

    /// <summary>Upper end of the confidence interval of <see cref="Effect"/>.</summary>
    public double? EffectUpper { get; init => field = Figure.Round(value); }

    /// <summary>Confidence of the intervals, 0 to 1.</summary>
    public double Confidence { get; init; }

    /// <summary>Observation window before and after the build.</summary>
    public TimeSpan Window { get; init; }

    /// <summary>The minimum effect, as a share of the time before.</summary>
    public double MinimumEffect { get; init; }

    /// <summary>Compared executions before the build.</summary>
    public long CallsBefore => Queries.Sum(q => q.CallsBefore);

    /// <summary>Compared executions after the build.</summary>
    public long CallsAfter => Queries.Sum(q => q.CallsAfter);

    /// <summary>Number of slower queries.</summary>
    public int QueriesRegressed => Queries.Count(q => q.Verdict == VerificationVerdict.Regressed);

    /// <summary>The queries, the longest total time before the build first.</summary>
    public ItemList<QueryVerification> Queries { get; init => field = value.ToItemList(); } = [];

    /// <summary>The verdict in one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>Further notes for the user, as sentences.</summary>
    public ItemList<string> Notes { get; init => field = value.ToItemList(); } = [];

    /// <summary>The database.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}

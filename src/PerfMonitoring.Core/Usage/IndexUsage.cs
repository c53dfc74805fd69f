using PerfMonitoring.Indexes;

namespace PerfMonitoring.Usage;

/// <summary>What the catalog and the statistics say about one index; null where the server does not know or tell.</summary>
public sealed record IndexUsage
{
    /// <summary>
    /// The index. Where <see cref="IsLocked"/> it has no keys and no <see cref="TableIndex.ServerDefinition"/>.
    /// </summary>
    public required TableIndex Index { get; init; }

    /// <summary>Whether somebody holds or awaits its table exclusively, so that not everything could be read.</summary>
    public bool IsLocked { get; init; }

    /// <summary>Whether it can be used: valid and ready.</summary>
    public bool IsUsable => Index is { IsValid: true, IsReady: true };

    /// <summary>The expressions among its keys, as the server writes them.</summary>
    public IReadOnlyList<string> Expressions { get; init; } = [];

    /// <summary>
    /// The expressions of its table that a statistics object (CREATE STATISTICS) knows, as the server writes them.
    /// </summary>
    public IReadOnlyList<string> StatisticsExpressions { get; init; } = [];

    /// <summary>Whether it is being built at this moment.</summary>
    public bool IsBeingBuilt { get; init; }

    /// <summary>The extension that its table belongs to, or null.</summary>
    public string? Extension { get; init; }

    /// <summary>Scans since the counters began, on all servers that were asked.</summary>
    public long? Scans { get; init; }

    /// <summary>What each server that was asked has counted; empty for one server, that of <see cref="Scans"/>.</summary>
    public IReadOnlyList<ScanCount> Counts { get; init; } = [];

    /// <summary>What was stored of its scans, the latest first.</summary>
    public IReadOnlyList<StoredScans> History { get; init; } = [];

    /// <summary>Index entries returned by scans since the counters began.</summary>
    public long? TuplesRead { get; init; }

    /// <summary>Live rows fetched by plain index scans since the counters began; bitmap scans do not count here.</summary>
    public long? TuplesFetched { get; init; }

    /// <summary>When it was scanned last (PostgreSQL 16); null before, or where it never was.</summary>
    public DateTimeOffset? LastScan { get; init; }

    /// <summary>Rows inserted, updated other than HOT, and deleted in the table since the counters began.</summary>
    public long? TableWrites { get; init; }

    /// <summary>Rows of the table as the planner estimates them; null where it was never analysed.</summary>
    public double? TableRows { get; init; }

    /// <summary>Entries of the index as it was built or vacuumed last; null where unknown.</summary>
    public double? Entries { get; init; }

    /// <summary>Size of the index in bytes; null where it could not be read.</summary>
    public long? SizeBytes => IsLocked ? null : Index.SizeBytes;

    /// <summary>Size of the table with all its indexes and TOAST in bytes.</summary>
    public long? TableSizeBytes { get; init; }

    /// <summary>A moment at which the index is known to have been there already; PostgreSQL itself keeps no such date.</summary>
    public DateTimeOffset? ExistsSince { get; init; }
}

/// <summary>What one server has counted of an index.</summary>
/// <param name="Server">The server, as it was connected to.</param>
/// <param name="Scans">Scans since the counters began; null where the server has no statistics of it.</param>
/// <param name="Since">Since when the counters count, or later; null where the server does not say.</param>
/// <param name="LastScan">When it was scanned last (PostgreSQL 16); null before, or where it never was.</param>
public sealed record ScanCount(string Server, long? Scans, DateTimeOffset? Since, DateTimeOffset? LastScan)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Server}: {(Scans is { } scans ? scans : "unknown")}");
}

/// <summary>What was stored of an index's scans at one time.</summary>
/// <param name="IndexOid">The index.</param>
/// <param name="At">When the counters were read.</param>
/// <param name="Counts">What each server had counted: the primary first, then the standbys that were asked.</param>
public sealed record StoredScans(uint IndexOid, DateTimeOffset At, IReadOnlyList<ScanCount> Counts);

/// <summary>How far the server's statistics can be trusted.</summary>
public sealed record StatisticsState
{
    /// <summary>The server's clock.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Since when the counters count, or later; null where the server does not say.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether track_counts is on.</summary>
    public bool IsTracking { get; init; } = true;

    /// <summary>Whether this server is a standby.</summary>
    public bool IsStandby { get; init; }

    /// <summary>When the server was started: no two servers share it.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Whether it is a standby that receives from another server, which then counts it among its own.</summary>
    public bool IsReceiving { get; init; }

    /// <summary>Standby servers that are connected to it or have a replication slot, and were not asked.</summary>
    public int UnaskedStandbyCount { get; init; }

    /// <summary>How far the statistics of this server and of standbys that were asked, too, can be trusted together.</summary>
    public StatisticsState With(IReadOnlyCollection<StatisticsState> standbys) => this with
    {
        Since = standbys.Append(this).Any(s => s.Since is null) ? null : standbys.Append(this).Max(s => s.Since),
        IsTracking = IsTracking && standbys.All(s => s.IsTracking),
        // Standbys may have standbys of their own.
        UnaskedStandbyCount = Math.Max(
            0, standbys.Append(this).Sum(s => s.UnaskedStandbyCount) - standbys.Count(s => s.IsReceiving)),
    };
}

/// <summary>What drop verdicts are made of.</summary>
/// <param name="Indexes">All indexes.</param>
/// <param name="ForeignKeys">All foreign keys.</param>
/// <param name="State">How far the statistics can be trusted.</param>
public sealed record UsageFacts(IReadOnlyList<IndexUsage> Indexes, IReadOnlyList<ForeignKey> ForeignKeys, StatisticsState State);

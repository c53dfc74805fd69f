using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Usage;

/// <summary>The catalog and statistics of one index; null where the server does not know or tell.</summary>
public sealed record IndexUsage
{
    /// <summary>
    /// The index. Where <see cref="IsLocked"/> it has no keys and no <see cref="TableIndex.ServerDefinition"/>.
    /// </summary>
    public required TableIndex Index { get; init; }

    /// <summary>Whether somebody holds or awaits an exclusive lock on its table, so that not all facts could be read.</summary>
    public bool IsLocked { get; init; }

    /// <summary>Whether queries can use it: valid and ready.</summary>
    public bool IsUsable => Index is { IsValid: true, IsReady: true };

    /// <summary>The expressions among its keys, as the server writes them.</summary>
    public IReadOnlyList<string> Expressions { get; init; } = [];

    /// <summary>The expressions of its table in a statistics object (CREATE STATISTICS), as the server writes them.</summary>
    public IReadOnlyList<string> StatisticsExpressions { get; init; } = [];

    /// <summary>Whether it is being built.</summary>
    public bool IsBeingBuilt { get; init; }

    /// <summary>The extension that its table belongs to, or null.</summary>
    public string? Extension { get; init; }

    /// <summary>Scans since the counters began, on all servers of the reading; null where unknown.</summary>
    public long? Scans { get; init; }

    /// <summary>
    /// The counters of each server of the reading; empty for one server, where <see cref="Scans"/> has the count.
    /// </summary>
    public IReadOnlyList<ScanCount> Counts { get; init; } = [];

    /// <summary>The stored history of its scans, the latest first.</summary>
    public IReadOnlyList<StoredScans> History { get; init; } = [];

    /// <summary>Index entries returned by scans since the counters began.</summary>
    public long? TuplesRead { get; init; }

    /// <summary>Live rows fetched by plain index scans since the counters began; bitmap scans do not count here.</summary>
    public long? TuplesFetched { get; init; }

    /// <summary>When it was last scanned (PostgreSQL 16); null on older versions, or if it never was.</summary>
    public DateTimeOffset? LastScan { get; init; }

    /// <summary>Rows inserted, updated other than HOT, and deleted in the table since the counters began.</summary>
    public long? TableWrites { get; init; }

    /// <summary>Rows of the table by the planner's estimate; null where it was never analysed.</summary>
    public double? TableRows { get; init; }

    /// <summary>Entries of the index after its build or last VACUUM; null where unknown.</summary>
    public double? Entries { get; init; }

    /// <summary>Size of the index in bytes; null where it could not be read.</summary>
    public long? SizeBytes => IsLocked ? null : Index.SizeBytes;

    /// <summary>Size of the table with all its indexes and TOAST in bytes.</summary>
    public long? TableSizeBytes { get; init; }

    /// <summary>A time at which the index is known to have existed; PostgreSQL does not keep its creation date.</summary>
    public DateTimeOffset? ExistsSince { get; init; }
}

/// <summary>The scans of an index on one server.</summary>
/// <param name="Server">Address of the server, as in the connection.</param>
/// <param name="Scans">Scans since the counters began; null where the server has no statistics of the index.</param>
/// <param name="Since">Start of the counting, or a later time; null where the server does not tell.</param>
/// <param name="LastScan">When it was last scanned (PostgreSQL 16); null on older versions, or if it never was.</param>
public sealed record ScanCount(string Server, long? Scans, DateTimeOffset? Since, DateTimeOffset? LastScan)
{
    /// <summary>A count of no server.</summary>
    public ScanCount()
        : this("", null, null, null)
    {
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{VisibleText.Line(Server)}: {(Scans is { } scans ? scans : "unknown")}");
}

/// <summary>The stored scans of an index at one time.</summary>
/// <param name="IndexOid">The index.</param>
/// <param name="At">Time when the counters were read.</param>
/// <param name="Counts">The counters of each server: the primary first, then the standbys of the reading.</param>
public sealed record StoredScans(uint IndexOid, DateTimeOffset At, IReadOnlyList<ScanCount> Counts);

/// <summary>Reliability of the server's statistics.</summary>
public sealed record StatisticsState
{
    /// <summary>Present time by the clock of the server.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Start of the counting, or a later time; null where the server does not tell.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether track_counts is on.</summary>
    public bool IsTracking { get; init; } = true;

    /// <summary>Whether this server is a standby.</summary>
    public bool IsStandby { get; init; }

    /// <summary>Start time of the server: no two servers share it.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Whether it is a standby that receives WAL from another server, which counts it among its standbys.</summary>
    public bool IsReceiving { get; init; }

    /// <summary>
    /// Number of standbys that are connected to it or have a replication slot, and are not part of the reading.
    /// </summary>
    public int UnaskedStandbyCount { get; init; }

    /// <summary>Reliability of the statistics of this server together with those of the given standbys.</summary>
    public StatisticsState With(IReadOnlyCollection<StatisticsState> standbys) => this with
    {
        Since = standbys.Append(this).Any(s => s.Since is null) ? null : standbys.Append(this).Max(s => s.Since),
        IsTracking = IsTracking && standbys.All(s => s.IsTracking),
        // Standbys may have cascading standbys.
        UnaskedStandbyCount = Math.Max(
            0, standbys.Append(this).Sum(s => s.UnaskedStandbyCount) - standbys.Count(s => s.IsReceiving)),
    };
}

/// <summary>The facts for drop verdicts.</summary>
/// <param name="Indexes">All indexes.</param>
/// <param name="ForeignKeys">All foreign keys.</param>
/// <param name="State">Reliability of the statistics.</param>
public sealed record UsageFacts(IReadOnlyList<IndexUsage> Indexes, IReadOnlyList<ForeignKey> ForeignKeys, StatisticsState State);

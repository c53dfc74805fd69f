using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>Outcome of the rebuild of an index.</summary>
public enum IndexRepairState : long
{
    /// <summary>Not known.</summary>
    Unknown,
    /// <summary>Rebuilt.</summary>
    Rebuilt,
    /// <summary>The index no longer existed; nothing was done.</summary>
    NotThere,
    /// <summary>It could not be rebuilt and is unchanged; <see cref="IndexRepairResult.Error"/> gives the reason.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server; the index is unchanged.</summary>
    Cancelled,
}

/// <summary>Result of the rebuild of a bloated index.</summary>
public sealed record IndexRepairResult
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was executed, or would be.</summary>
    public required string Statement { get; init; }

    /// <summary>The outcome.</summary>
    public required IndexRepairState State { get; init; }

    /// <summary>Size in bytes before the rebuild.</summary>
    public required long SizeBytesBefore { get; init; }

    /// <summary>Expected size of a fresh build, in bytes.</summary>
    public long EstimatedSizeBytes { get; init; }

    /// <summary>Size in bytes after the rebuild; null where it was not rebuilt.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Expected share of the size that the rebuild frees, 0 to 1.</summary>
    public double BloatShare => SizeBytesBefore == 0
        ? 0 : Figure.Round(Math.Max(0, 1 - ((double)EstimatedSizeBytes / SizeBytesBefore)));

    /// <summary>When work on it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Duration, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Number of retries after a wait took too long.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public ItemList<BlockingSession> BlockedBy { get; init => field = value.ToItemList(); } = [];

    /// <summary>The reason why it was not rebuilt, or why the store could not be updated, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The invalid index that was left beside it, with its schema; or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>How the rebuilding of an index ended.</summary>
public enum IndexRepairState
{
    /// <summary>Built anew.</summary>
    Rebuilt,
    /// <summary>It was not there any more; nothing was done.</summary>
    NotThere,
    /// <summary>It could not be built anew and is as it was; <see cref="IndexRepairResult.Error"/> says why.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server; the index is as it was.</summary>
    Cancelled,
}

/// <summary>What became of a bloated index that was to be built anew.</summary>
public sealed record IndexRepairResult
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was run, or would have been.</summary>
    public required string Statement { get; init; }

    /// <summary>How it ended.</summary>
    public required IndexRepairState State { get; init; }

    /// <summary>Size in bytes before.</summary>
    public required long SizeBytesBefore { get; init; }

    /// <summary>What a fresh build was expected to need, in bytes.</summary>
    public long EstimatedSizeBytes { get; init; }

    /// <summary>Size in bytes now; null where it was not built anew.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>The share of the size before that was expected to become free, 0 to 1.</summary>
    public double Bloat => Math.Max(0, 1 - ((double)EstimatedSizeBytes / Math.Max(1, SizeBytesBefore)));

    /// <summary>When it was taken in hand.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How often it was tried again after a wait was too long.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public IReadOnlyList<IndexCreationBlocker> Blockers { get; init => field = value.ToArray(); } = [];

    /// <summary>Why it was not built anew, or why the store could not be told, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The invalid index that was left beside it, schema-qualified; or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }
}

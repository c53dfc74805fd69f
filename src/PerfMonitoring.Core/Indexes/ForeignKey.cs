using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>A foreign key.</summary>
public sealed record ForeignKey
{
    /// <summary>Name of the constraint.</summary>
    public required string Name { get; init; }

    /// <summary>The table that refers.</summary>
    public required RelationName Table { get; init; }

    /// <summary>Its columns, in order.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>The table that is referred to.</summary>
    public required RelationName ReferencedTable { get; init; }

    /// <summary>The columns there, in the same order.</summary>
    public required IReadOnlyList<string> ReferencedColumns { get; init; }

    /// <summary>The unique index there that the key rests on.</summary>
    public uint ReferencedIndexOid { get; init; }

    /// <summary>How many rows that table has; null where unknown.</summary>
    public double? ReferencedRows { get; init; }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>A foreign key.</summary>
public sealed record ForeignKey
{
    /// <summary>Name of the constraint.</summary>
    public required string Name { get; init; }

    /// <summary>The referencing table.</summary>
    public required RelationName Table { get; init; }

    /// <summary>The referencing columns, in order.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>The referenced table.</summary>
    public required RelationName ReferencedTable { get; init; }

    /// <summary>The referenced columns, in the same order.</summary>
    public required IReadOnlyList<string> ReferencedColumns { get; init; }

    /// <summary>The unique index of the referenced table that the foreign key depends on.</summary>
    public uint ReferencedIndexOid { get; init; }

    /// <summary>Rows of the referenced table; null where unknown.</summary>
    public double? ReferencedRows { get; init; }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>An existing index.</summary>
public sealed record TableIndex
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => $"{Definition.Name} on {Definition.Table}";

    /// <summary>Object identifier.</summary>
    public required uint Oid { get; init; }

    /// <summary>Object identifier of its table.</summary>
    public required uint TableOid { get; init; }

    /// <summary>The definition of the index.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>The CREATE INDEX statement, as the server writes it (pg_get_indexdef).</summary>
    public required string ServerDefinition { get; init; }

    /// <summary>Whether queries may use it.</summary>
    public bool IsValid { get; init; }

    /// <summary>Whether writes maintain it.</summary>
    public bool IsReady { get; init; }

    /// <summary>Whether it is the table's primary key.</summary>
    public bool IsPrimary { get; init; }

    /// <summary>Whether it enforces an exclusion constraint.</summary>
    public bool IsExclusion { get; init; }

    /// <summary>Name of the constraint that it backs, or null.</summary>
    public string? ConstraintName { get; init; }

    /// <summary>Whether it is the replica identity of the table: logical replication identifies rows by it.</summary>
    public bool IsReplicaIdentity { get; init; }

    /// <summary>Whether CLUSTER without a name orders the table by it.</summary>
    public bool IsClustered { get; init; }

    /// <summary>What depends on the index beside queries, as the end of a sentence; null where nothing does.</summary>
    public string? Need => this switch
    {
        { ConstraintName: { } constraint } => $"it stands for constraint {Identifier.Quote(constraint)}",
        { IsPrimary: true } or { IsExclusion: true } => "it stands for a constraint",
        { IsReplicaIdentity: true } => "it is the replica identity of its table",
        { IsAttached: true } => "it is attached to the index of a partitioned table",
        _ => null,
    };

    /// <summary>
    /// The index of a partitioned table that this index is attached to, as SQL writes it; null where it is not attached.
    /// </summary>
    public string? ParentIndex { get; init; }

    /// <summary>Whether it is attached to the index of a partitioned parent.</summary>
    public bool IsAttached => ParentIndex is not null;

    /// <summary>Whether it is the index of a partitioned table, which has no storage.</summary>
    public bool IsPartitioned { get; init; }

    /// <summary>Size on disk in bytes; 0 for the index of a partitioned table.</summary>
    public long SizeBytes { get; init; }
}

/// <summary>The index of a partitioned table.</summary>
/// <param name="IndexOid">Object identifier.</param>
/// <param name="TableOid">Object identifier of the table.</param>
/// <param name="Table">The table, with its schema.</param>
/// <param name="IndexName">Name, without schema, unquoted.</param>
/// <param name="Definition">The CREATE INDEX statement, as the server writes it.</param>
/// <param name="IsUnique">Whether it enforces uniqueness.</param>
/// <param name="IsValid">Whether every partition has its index.</param>
/// <param name="LeafOids">The indexes of the partitions that hold rows.</param>
public sealed record PartitionedIndex(
    uint IndexOid, uint TableOid, RelationName Table, string IndexName, string Definition, bool IsUnique, bool IsValid,
    IReadOnlyList<uint> LeafOids);

namespace PerfMonitoring.Indexes;

/// <summary>
/// What an index is, as the store's <c>index_type</c> has it: the access method, or the trait that matters most.
/// </summary>
public enum IndexType
{
    /// <summary>One plain column in a B-tree.</summary>
    Btree,
    /// <summary>Equality only.</summary>
    Hash,
    /// <summary>Inverted: jsonb, arrays, full text, trigrams.</summary>
    Gin,
    /// <summary>Generalised search tree: ranges, geometry.</summary>
    Gist,
    /// <summary>With a WHERE clause.</summary>
    Partial,
    /// <summary>Two or more key columns.</summary>
    Composite,
    /// <summary>At least one key is an expression.</summary>
    Functional,
}

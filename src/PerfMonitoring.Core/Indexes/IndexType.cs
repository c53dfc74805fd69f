namespace PerfMonitoring.Indexes;

/// <summary>The kind of an index, as in <c>index_type</c> of the store: the access method, or the most important trait.</summary>
public enum IndexType : long
{
    /// <summary>One plain column in a B-tree.</summary>
    Btree = 1,
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

namespace PerfMonitoring.Indexes;

/// <summary>Whether an index that exists does what a wanted one would do.</summary>
public static class IndexEquality
{
    /// <summary>
    /// Whether the two could do the same, by what needs no server to compare: method, number of keys, INCLUDE columns,
    /// uniqueness. A unique index serves where a plain one was wanted.
    /// </summary>
    public static bool CouldServe(IndexDefinition existing, IndexDefinition wanted)
    {
        ArgumentNullException.ThrowIfNull(existing);
        ArgumentNullException.ThrowIfNull(wanted);
        return existing.Method == wanted.Method
            && existing.Keys.Count == wanted.Keys.Count
            && existing.Include.SequenceEqual(wanted.Include)
            && (existing.IsUnique || !wanted.IsUnique)
            && (existing.Where is null) == (wanted.Where is null)
            && (!wanted.IsUnique || existing.NullsNotDistinct == wanted.NullsNotDistinct);
    }

    /// <summary>
    /// Whether both are written alike, name, tablespace and uniqueness aside. Where they are not, the server may still mean the
    /// same by both (<c>lower(name)</c>, <c>lower((name)::text)</c>).
    /// </summary>
    public static bool IsWrittenAlike(IndexDefinition existing, IndexDefinition wanted)
    {
        ArgumentNullException.ThrowIfNull(existing);
        ArgumentNullException.ThrowIfNull(wanted);
        return CouldServe(existing, wanted) && Body(existing, existing) == Body(wanted, existing);
    }

    /// <summary>
    /// The wanted index as it is to be compared with an existing one: storage parameters that were not asked for are the other's,
    /// nulls in a plain index need no rule.
    /// </summary>
    public static IndexDefinition Comparable(IndexDefinition wanted, IndexDefinition existing)
    {
        ArgumentNullException.ThrowIfNull(existing);
        ArgumentNullException.ThrowIfNull(wanted);
        return wanted with
        {
            IsUnique = existing.IsUnique,
            NullsNotDistinct = existing.NullsNotDistinct,
            StorageParameters = wanted.StorageParameters.Count == 0 ? existing.StorageParameters : wanted.StorageParameters,
            Tablespace = null,
        };
    }

    private static string Body(IndexDefinition index, IndexDefinition existing) =>
        (Comparable(index, existing) with { Table = existing.Table }).ToAnonymousStatement();
}

namespace PerfMonitoring.Indexes;

/// <summary>Whether an existing index does what a wanted one would do.</summary>
internal static class IndexEquality
{
    /// <summary>
    /// Whether both could do the same, by the parts that can be compared without a server: method, number of keys, INCLUDE
    /// columns, uniqueness. A unique index serves where a plain one is wanted.
    /// </summary>
    public static bool CouldServe(IndexDefinition existing, IndexDefinition wanted) =>
        existing.Method == wanted.Method
        && existing.Keys.Count == wanted.Keys.Count
        && existing.Include.SequenceEqual(wanted.Include)
        && (existing.IsUnique || !wanted.IsUnique)
        && (existing.Where is null) == (wanted.Where is null)
        && (!wanted.IsUnique || existing.NullsNotDistinct == wanted.NullsNotDistinct);

    /// <summary>
    /// Whether the text of both is the same, apart from name, tablespace and uniqueness. If not, the server may still find both
    /// equal (<c>lower(name)</c>, <c>lower((name)::text)</c>).
    /// </summary>
    public static bool IsWrittenAlike(IndexDefinition existing, IndexDefinition wanted) =>
        CouldServe(existing, wanted) && Body(existing, existing) == Body(wanted, existing);

    /// <summary>
    /// The wanted index in a form that can be compared with an existing one: storage parameters that the user does not set are
    /// those of the existing index, and a plain index has no rule for nulls.
    /// </summary>
    public static IndexDefinition Comparable(IndexDefinition wanted, IndexDefinition existing) =>
        wanted with
        {
            IsUnique = existing.IsUnique,
            NullsNotDistinct = existing.NullsNotDistinct,
            StorageParameters = wanted.StorageParameters.Count == 0 ? existing.StorageParameters : wanted.StorageParameters,
            Tablespace = null,
        };

    private static string Body(IndexDefinition index, IndexDefinition existing) =>
        (Comparable(index, existing) with { Table = existing.Table }).ToAnonymousStatement();
}

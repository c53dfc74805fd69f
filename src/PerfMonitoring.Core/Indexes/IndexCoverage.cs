using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>How much of the work of an index another index does.</summary>
internal enum Coverage
{
    /// <summary>None, or not all.</summary>
    None,
    /// <summary>
    /// All, from PostgreSQL 18 on and where the keys before it have few values: a skip scan searches once for each of these
    /// values.
    /// </summary>
    SkipScan,
    /// <summary>All, but the other index contains rows that the index leaves out.</summary>
    MoreRows,
    /// <summary>All: the keys are the first keys of the other index.</summary>
    Prefix,
    /// <summary>All: the other index has the same keys.</summary>
    Same,
}

/// <summary>The one rule for whether an index does the work of another. Advice, drop verdicts and the preflight use it.</summary>
internal static class IndexCoverage
{
    /// <summary>
    /// How much of the work of <paramref name="index"/> another index does. That index needs the same rows, keys that begin with
    /// the same ones in the same order (or all in the opposite order, since a B-tree is read both ways), and every INCLUDE
    /// column. A unique index enforces uniqueness, so no other index does its work.
    /// </summary>
    public static Coverage Of(IndexDefinition index, IndexDefinition other)
    {
        var columns = other.Keys.Select(k => k.Column).Concat(other.Include).ToHashSet();
        if (index.Table != other.Table || index.IsUnique || index.Method != other.Method || index.Keys.Count == 0
            || (other.Where is not null && other.Where != index.Where) || !index.Include.All(columns.Contains))
        {
            return Coverage.None;
        }

        if (index.Method != "btree")
        {
            // For other methods the first keys alone do not work like a separate index, and storage parameters change the use.
            return index.Keys.SequenceEqual(other.Keys) && index.Where == other.Where
                && index.StorageParameters.SequenceEqual(other.StorageParameters)
                    ? Coverage.Same : Coverage.None;
        }

        if (HasKeysAt(0))
        {
            return index.Where != other.Where ? Coverage.MoreRows
                : index.Keys.Count == other.Keys.Count ? Coverage.Same : Coverage.Prefix;
        }

        return Enumerable.Range(1, Math.Max(0, other.Keys.Count - index.Keys.Count)).Any(HasKeysAt)
            ? Coverage.SkipScan : Coverage.None;

        bool HasKeysAt(int place) =>
            other.Keys.Count - place >= index.Keys.Count
            && (index.Keys.Select((key, i) => other.Keys[place + i] == key).All(same => same)
                || index.Keys.Select((key, i) => IsMirror(other.Keys[place + i], key)).All(same => same));
    }

    /// <summary>Whether <paramref name="wide"/> does all the work of <paramref name="narrow"/>.</summary>
    public static bool Covers(IndexDefinition wide, IndexDefinition narrow) => Of(narrow, wide) >= Coverage.MoreRows;

    /// <summary>
    /// Whether an index finds the rows of a foreign key: the columns of the foreign key come first, in any order, and it leaves
    /// out at most rows in which one of them is null. The trigger searches by equality, which no null fulfils.
    /// </summary>
    public static bool Serves(IndexDefinition index, RelationName table, IReadOnlyList<string> columns) =>
        index.Table == table && index.Method is "btree" or "hash"
        && (index.Where is null || LeavesOutOnlyNulls(index.Where, columns))
        && index.Keys.Count >= columns.Count
        && index.Keys.Take(columns.Count).Select(k => k.Column).ToHashSet().SetEquals(columns);

    private static bool LeavesOutOnlyNulls(string where, IReadOnlyList<string> columns) =>
        SqlFragment.Unwrap(where).Split(" AND ").Select(SqlFragment.Unwrap)
            .All(part => columns.Any(c => part == Identifier.Quote(c) + " IS NOT NULL"));

    private static bool IsMirror(IndexKey one, IndexKey other) =>
        one with { Descending = false, NullsFirst = null } == other with { Descending = false, NullsFirst = null }
        && one.Descending != other.Descending
        && (one.NullsFirst ?? one.Descending) != (other.NullsFirst ?? other.Descending);
}

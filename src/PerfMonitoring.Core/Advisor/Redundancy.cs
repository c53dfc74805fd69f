using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

/// <summary>Whether one index can do all that another does.</summary>
public static class Redundancy
{
    /// <summary>
    /// Whether <paramref name="wide"/> serves every scan that <paramref name="narrow"/> would: the same rows, keys that begin
    /// with the same ones in the same order, and every column that is included. A unique index stands only for itself.
    /// </summary>
    public static bool Covers(IndexDefinition wide, IndexDefinition narrow)
    {
        ArgumentNullException.ThrowIfNull(wide);
        ArgumentNullException.ThrowIfNull(narrow);
        if (wide.Method != "btree" || narrow.Method != "btree" || wide.Table != narrow.Table || narrow.IsUnique
            || (wide.Where is not null && wide.Where != narrow.Where)
            || wide.Keys.Count < narrow.Keys.Count)
        {
            return false;
        }

        var forward = narrow.Keys.Select((key, i) => wide.Keys[i] == key).All(same => same);
        var backward = narrow.Keys.Select((key, i) => IsMirror(wide.Keys[i], key)).All(same => same);
        var columns = wide.Keys.Select(k => k.Column).Concat(wide.Include).ToHashSet();
        return (forward || backward) && narrow.Include.All(columns.Contains);
    }

    private static bool IsMirror(IndexKey one, IndexKey other) =>
        one with { Descending = false, NullsFirst = null } == other with { Descending = false, NullsFirst = null }
        && one.Descending != other.Descending
        && (one.NullsFirst ?? one.Descending) != (other.NullsFirst ?? other.Descending);
}

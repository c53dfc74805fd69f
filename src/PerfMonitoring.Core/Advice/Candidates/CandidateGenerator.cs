using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>An index for one use of a table.</summary>
/// <param name="Definition">The index, without a name.</param>
/// <param name="Pattern">Intended use.</param>
internal sealed record ProposedIndex(IndexDefinition Definition, UsagePattern Pattern)
{
    /// <summary>
    /// What the user must do first, as a sentence without its end, or null: the planner cannot yet be asked about such an index.
    /// </summary>
    public string? Requires { get; init; }
}

/// <summary>What is known of the workload and the server beside one use of one table.</summary>
internal sealed record CandidateContext
{
    /// <summary>Conditions with a constant that recur in the workload, by table: partial indexes may use them.</summary>
    public IReadOnlySet<(RelationName Table, string Condition)> Recurring { get; init; } = new HashSet<(RelationName, string)>();

    /// <summary>Whether the server offers pg_trgm.</summary>
    public bool IsTrigramAvailable { get; init; }

    /// <summary>The schema of pg_trgm; null where it is not installed in the database.</summary>
    public string? TrigramSchema { get; init; }

    /// <summary>The recurring conditions of a workload: those in two of its statements, or in one that ran twice.</summary>
    /// <param name="workload">The statements, each with its number of calls.</param>
    public static IReadOnlySet<(RelationName Table, string Condition)> FindRecurring(
        IEnumerable<(StatementUse Use, double Weight)> workload) =>
        workload
            .SelectMany(s => s.Use.Relations
                .SelectMany(r => r.Predicates.Select(p => (r.Table, p.Condition)))
                .Where(c => c.Condition is not null)
                .Distinct()
                .Select(c => (c.Table, Condition: c.Condition!, s.Weight)))
            .GroupBy(c => (c.Table, c.Condition), c => Math.Max(1, c.Weight))
            .Where(g => g.Sum() >= 2)
            .Select(g => g.Key)
            .ToHashSet();
}

/// <summary>
/// Generates indexes for the use of a table by a statement. B-trees: keys of equality first, then one of a range or an order;
/// join keys before and after the other restrictions; the same with the other columns that are read (index-only scans); the same
/// for only the rows that a fixed condition selects. Other methods for the operators that only they serve, and where they are
/// much smaller.
/// </summary>
/// <remarks>
/// Candidates that cannot win are not generated, since every candidate costs planning time: keys after a prefix that finds a row
/// or two; lookups, ranges and orders that fetch a large part of a table in another order than that of its pages; index-only
/// scans of an index that is not clearly smaller than the table, or of a table whose pages are not known to be visible.
/// Candidates that would refuse writes are not generated either (<see cref="EntryLimit"/>): a column without a bound on its
/// length is a key where a condition or an order needs it and its known values are short. It is never added only for reading.
/// </remarks>
internal static partial class CandidateGenerator
{
    /// <summary>The indexes for one use of a table, each once.</summary>
    public static IReadOnlyList<ProposedIndex> Generate(RelationUse use, TableInfo table, CandidateContext? context = null)
    {
        if (table.Pages is > 0 and <= Tuning.Candidates.SmallTable)
        {
            return [];
        }

        context ??= new CandidateContext();
        var found = new Dictionary<string, ProposedIndex>();
        AddBtrees(found, use.Predicates, use, table, where: null);
        foreach (var branch in use.Alternatives)
        {
            AddBranch(found, branch, use, table);
        }

        AddPartials(found, use, table, context);
        AddOtherMethods(found, use, table, context);
        return WithoutDominated([.. found.Values], table);
    }

    // Removes an index where another one does the same work and is not larger.
    private static List<ProposedIndex> WithoutDominated(List<ProposedIndex> all, TableInfo table)
    {
        var sizes = all.ConvertAll(p => IndexSize.Estimate(p.Definition, table, table.Rows) ?? long.MaxValue);
        bool Dominates(int i, int j) => i != j && all[i].Definition.Where == all[j].Definition.Where
            && IndexCoverage.Covers(all[i].Definition, all[j].Definition)
            && sizes[i] <= sizes[j] * 1.05
            && (i < j || !IndexCoverage.Covers(all[j].Definition, all[i].Definition));
        return [.. all.Where((_, j) => !Enumerable.Range(0, all.Count).Any(i => Dominates(i, j)))];
    }

    private static void Add(
        Dictionary<string, ProposedIndex> found, IndexDefinition definition, UsagePattern pattern, string? requires = null) =>
        found.TryAdd(definition.ToAnonymousStatement(), new ProposedIndex(definition, pattern) { Requires = requires });

    private static void AddBtrees(
        Dictionary<string, ProposedIndex> found, IReadOnlyList<PlanPredicate> predicates, RelationUse use, TableInfo table,
        string? where, IReadOnlySet<string>? fixedColumns = null)
    {
        var shape = new Shape(predicates, use, table);
        var plain = shape.Plain().ToList();
        var covering = shape.Covering().ToList();
        if (where is not null)
        {
            // For each condition, the best few are enough.
            plain = [.. plain.Take(2)];
            covering = [.. covering.Take(1)];
        }

        foreach (var (keys, pattern) in plain.Where(p => p.Keys.Count > 0))
        {
            Add(found, Define(table, keys, where), pattern);
        }

        foreach (var (keys, pattern) in covering)
        {
            if (Cover(
                Define(table, keys, where), use, table, isWhole: keys.Count == 0,
                pattern == UsagePattern.Sort ? Tuning.Candidates.NoLarger : Tuning.Candidates.ClearlySmaller,
                fixedColumns ?? new HashSet<string>()) is { } definition)
            {
                Add(found, definition, pattern);
            }
        }
    }

    // Each branch of an OR needs a separate index; the other restrictions of the table can come first.
    private static void AddBranch(
        Dictionary<string, ProposedIndex> found, IReadOnlyList<PlanPredicate> branch, RelationUse use, TableInfo table)
    {
        var own = new Shape(branch, use with { Orders = [], Groups = [], Rows = null }, table);
        if (own.Plain().FirstOrDefault() is { Keys: { Count: > 0 } keys } first)
        {
            Add(found, Define(table, keys, null), first.Pattern);
            var common = new Shape(use.Predicates, use, table).Equality;
            if (common.Count > 0)
            {
                Add(found, Define(table, Join(common, keys), null), first.Pattern);
            }
        }
    }

    private static IndexDefinition Define(TableInfo table, IReadOnlyList<IndexKey> keys, string? where) =>
        new() { Table = table.Name, Name = "", Keys = keys.ToItemList(), Where = where };

    // The same index with every column that is read: as INCLUDE columns, or as further keys where equal keys can be merged and
    // the index gets smaller. A column that the condition of a partial index fixes is no key.
    private static IndexDefinition? Cover(
        IndexDefinition definition, RelationUse use, TableInfo table, bool isWhole, double largest,
        IReadOnlySet<string> fixedColumns)
    {
        var rest = table.Columns.Where(c => use.Columns!.Contains(c.Name) && definition.Keys.All(k => k.Column != c.Name))
            .ToList();
        if (isWhole
            && rest.Where(c => !fixedColumns.Contains(c.Name)).MinBy(c => Distinct(c, table)) is {
            HasOrder: true, AverageWidth: null or <= Tuning.Candidates.WideColumn } first)
        {
            definition = definition with { Keys = [IndexKey.OnColumn(first.Name)] };
            rest.Remove(first);
        }

        if (definition.Keys.Count == 0 || definition.Keys.Count + rest.Count > Tuning.Candidates.MaximumColumns
            || rest.Exists(c => !c.HasOrder || c.AverageWidth > Tuning.Candidates.WideColumn)
            || !EntryLimit.CanCover(
                isWhole ? definition with { Keys = [] } : definition, table,
                [.. rest.Select(c => c.Name), .. isWhole ? definition.Keys.Select(k => k.Column!) : []]))
        {
            return null;
        }

        var included = definition with { Include = [.. rest.Select(c => c.Name)] };
        var keyed = definition with { Keys = [.. definition.Keys, .. rest.Select(c => IndexKey.OnColumn(c.Name))] };
        if (definition.Where is null)
        {
            var size = IndexSize.Estimate(included, table);
            if (rest.Count > 0 && IndexSize.Estimate(keyed, table) is { } other
                && other < size * 0.9)
            {
                (included, size) = (keyed, other);
            }

            if (size is { } bytes && table.Pages > 0 && bytes / (double)PlannerDefaults.PageBytes > largest * table.Pages)
            {
                return null;
            }
        }
        else if (rest.TrueForAll(c => c.CanDeduplicate && !fixedColumns.Contains(c.Name))
            && definition.Keys.All(k => CanMerge(k, table)))
        {
            included = keyed;
        }

        return included;
    }

    private static bool CanMerge(IndexKey key, TableInfo table) =>
        key.Column is { } name && table.FindColumn(name) is { CanDeduplicate: true };

    private static List<IndexKey> Join(IEnumerable<IndexKey> first, IEnumerable<IndexKey> second)
    {
        // A backward scan gives the opposite order, so a completely descending order needs an ascending index, also after equal
        // keys.
        var more = second.ToList();
        if (more.All(k => k.Descending && k.NullsFirst is null or true))
        {
            more = [.. more.Select(k => k with { Descending = false, NullsFirst = null })];
        }

        var keys = first.ToList();
        foreach (var key in more)
        {
            if (keys.Count < Tuning.Candidates.MaximumKeys && !keys.Any(k => IsSame(k, key)))
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private static bool IsSame(IndexKey one, IndexKey other) => one.Column == other.Column && one.Expression == other.Expression;

    private static bool CanBeKey(IndexKey key, TableInfo table) => key.Column is { } name
        ? table.FindColumn(name) is {
            HasOrder: true, AverageWidth: null or <= Tuning.Candidates.WideKey,
            LongestKnown: null or <= ColumnInfo.LongestInStatistics }
        : table.TypeOf(key) is not { HasOrder: false } && !DependsOnTimeZone(key.Expression!, table);

    // The day of a timestamptz depends on the time zone of the session, so such an index is impossible, and the server need not
    // be asked.
    private static bool DependsOnTimeZone(string expression, TableInfo table) => table.Columns
        .Where(c =>
            c.Type.EndsWith("with time zone", StringComparison.Ordinal)
            && c.Type.StartsWith("timestamp", StringComparison.Ordinal))
        .Select(c => Identifier.Quote(c.Name))
        .Any(c => expression == $"({c})::date"
            || (expression.StartsWith("date_trunc(", StringComparison.Ordinal)
                && expression.EndsWith($", {c})", StringComparison.Ordinal)));

    private static double Distinct(ColumnInfo? column, TableInfo table) => column?.CountDistinct(table.Rows ?? 1) ?? 0;
}

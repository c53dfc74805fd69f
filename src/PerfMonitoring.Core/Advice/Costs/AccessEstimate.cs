using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using static PerfMonitoring.Indexes.PlannerDefaults;

namespace PerfMonitoring.Advice;

/// <summary>
/// Estimated cost of a statement with an index that HypoPG cannot create (GIN, GiST), from the plan without it. The result must
/// be marked as an estimate.
/// </summary>
/// <remarks>
/// A bitmap scan of the index replaces the scan of the table, and the nodes above cost less by the difference. The rest of the
/// plan stays unchanged, so a further gain by a better join order does not count. Where one of several conditions must hold (OR),
/// each is searched, by the same index or by another one, and the bitmaps are united.
/// The formulas are simplified from PostgreSQL's
/// selfuncs.c (gincostestimate, gistcostestimate, genericcostestimate) and costsize.c (cost_bitmap_heap_scan, index_pages_fetched
/// with everything cached, cost_bitmap_tree_node), with its default cost constants. The number of rows that the index finds is
/// the planner's estimate for the scan, divided by the selectivity of the other conditions: 1 / ndistinct for an equality, else
/// the planner's defaults (selfuncs.h). A nearest-neighbour scan fetches as many rows as the LIMIT needs.
/// </remarks>
internal static class AccessEstimate
{
    // selfuncs.h: DEFAULT_INEQ_SEL, DEFAULT_MATCH_SEL; and the minimum of generic_restriction_selectivity (selfuncs.c) with a
    // histogram.
    private const double DefaultRange = 1.0 / 3;
    private const double DefaultMatch = 0.005;
    private const double LeastMatch = 0.0001;

    // Two workers and a leader that participates (costsize.c, get_parallel_divisor).
    private const double ParallelDivisor = 2.4;

    /// <summary>
    /// Adds the costs with the candidates that HypoPG cannot create, estimated from the plans without new indexes.
    /// </summary>
    /// <param name="planned">The workload.</param>
    /// <param name="own">The candidates of each statement.</param>
    /// <param name="existing">The indexes that are there, by table.</param>
    /// <param name="refused">The candidates that the server refuses, by id.</param>
    /// <param name="costs">The cost table of each statement.</param>
    public static void AddTo(
        PlannedWorkload planned, IReadOnlyList<IReadOnlyList<Candidate>> own, ILookup<RelationName, TableIndex> existing,
        IReadOnlyDictionary<int, string> refused, IReadOnlyList<CostTable> costs)
    {
        for (var s = 0; s < own.Count; s++)
        {
            var statement = planned.Statements[s];
            var usable = own[s].Where(c => !refused.ContainsKey(c.Id)).ToList();
            foreach (var candidate in usable.Where(c => !c.CanBeHypothetical))
            {
                Add(
                    [candidate.Id],
                    statement.Use.Relations.Where(r => r.Table == candidate.Definition.Table)
                        .Min(r => CostWith(statement.Plan, r, candidate, planned.Tables.Advised[r.Table])));
            }

            foreach (var use in statement.Use.Relations.Where(r => r.Disjunctions.Count > 0))
            {
                if (!planned.Tables.Advised.TryGetValue(use.Table, out var table))
                {
                    continue;
                }

                List<Searchable> indexes =
                [
                    .. usable.Where(c => c.Definition.Table == use.Table)
                        .Select(c => new Searchable(c.Definition, c.SizeBytes, c)),
                    .. existing[use.Table].Select(i => new Searchable(i.Definition, i.SizeBytes, null)),
                ];
                foreach (var way in use.Disjunctions.SelectMany(d => Ways(d, indexes)))
                {
                    Add(
                        [.. way.Select(w => w.Index.Candidate?.Id).OfType<int>().Distinct().Order()],
                        CostOfAny(statement.Plan, use, way, table));
                }
            }

            void Add(IReadOnlyList<int> ids, double? cost)
            {
                if (cost < costs[s].Bare.Cost)
                {
                    costs[s].Add([.. ids], new Configuration(ids, cost.Value, 0, IsEstimate: true));
                }
            }
        }
    }

    /// <summary>
    /// The cost of the complete statement with the index, in planner units; null where the index would not help.
    /// </summary>
    /// <param name="plan">The plan of the statement without the index.</param>
    /// <param name="use">The use of the table by the statement.</param>
    /// <param name="candidate">The index.</param>
    /// <param name="table">The table of the index.</param>
    public static double? CostWith(PlanNode plan, RelationUse use, Candidate candidate, TableInfo table)
    {
        var served = use.Predicates.Where(p => OperatorClasses.Serves(candidate.Definition, p)).ToList();
        if (candidate.Definition.Method is not ("gin" or "gist") || served.Count == 0
            || Find(plan, use, served, table) is not var (path, others, found))
        {
            return null;
        }

        if (served.Exists(p => p.Kind == PredicateKind.Nearest))
        {
            var (replaced, first, last) = Nearest(path, others, candidate, table);
            return replaced < 0 ? null : Replace(path, replaced, first, last);
        }

        var startup = BitmapIndex(found, served, candidate.Definition, candidate.SizeBytes, table);
        return Replace(path, path.Count - 1, startup, startup + BitmapHeap(found, use.Predicates.Count + 1, table));
    }

    // The ways to search each branch of a disjunction: one index for all of them, or the smallest for each. The planner itself is
    // asked about a way without GIN and GiST.
    private static IEnumerable<List<(Searchable Index, List<PlanPredicate> Served)>> Ways(
        IReadOnlyList<IReadOnlyList<PlanPredicate>> branches, List<Searchable> indexes)
    {
        var serving = indexes.Select(i => branches.Select(b => (Index: i, Served: b.Where(i.Serves).ToList())).ToList()).ToList();
        var each = branches.Select(
            (_, b) => serving.Select(s => s[b]).Where(s => s.Served.Count > 0).OrderBy(s => s.Index.SizeBytes).FirstOrDefault())
            .ToList();
        return serving.Where(s => s.TrueForAll(b => b.Served.Count > 0)).Append(each)
            .Where(way => way.TrueForAll(b => b.Served is not null)
                && way.Exists(b => b.Index.Candidate is { CanBeHypothetical: false }));
    }

    // The cost of the complete statement where each branch of a disjunction is searched and the rows are united.
    private static double? CostOfAny(
        PlanNode plan, RelationUse use, List<(Searchable Index, List<PlanPredicate> Served)> way, TableInfo table)
    {
        if (Find(plan, use, [], table) is not var (path, _, found))
        {
            return null;
        }

        var startup = way.Sum(
            w => BitmapIndex(found / way.Count, w.Served, w.Index.Definition, w.Index.SizeBytes, table))
            + (found * 0.1 * OperatorCost);
        return Replace(
            path, path.Count - 1, startup,
            startup + BitmapHeap(found, use.Predicates.Count + way.Sum(w => w.Served.Count), table));
    }

    // The path to the scan of the relation, the share of the rows that the other conditions leave, and the rows that the index
    // finds; null where the scan cannot be replaced.
    private static (List<PlanNode> Path, double Others, double Found)? Find(
        PlanNode plan, RelationUse use, List<PlanPredicate> served, TableInfo table)
    {
        var path = PathTo(plan, use.Alias);
        if (path.Count == 0 || table.Rows is not > 0 || table.Pages == 0 || path.Exists(n => n.ParentRelationship == "SubPlan"))
        {
            return null;
        }

        var isParallel = path.Exists(n => n.NodeType.StartsWith("Gather", StringComparison.Ordinal));
        if ((use.Rows ?? (isParallel ? path[^1].Rows * ParallelDivisor : null)) is not { } left)
        {
            return null;
        }

        var others = use.Predicates.Where(p => !served.Contains(p) && p.Kind != PredicateKind.Join)
            .Aggregate(1.0, (share, p) => share * Selectivity(p, table));
        // The planner's estimate is at least one row, which tells nothing about the rows that the index finds.
        return (path, others, Math.Min(
            table.Rows.Value, left <= 1 ? Math.Clamp(table.Rows.Value * LeastMatch, 1, 1 / others) : left / others));
    }

    // The cost of the root where another access takes the place of a node; null where it is not cheaper.
    private static double? Replace(List<PlanNode> path, int replaced, double startup, double total)
    {
        var cost = total < path[replaced].TotalCost ? Above(path, replaced, startup, total) : path[0].TotalCost;
        return cost < path[0].TotalCost ? cost : null;
    }

    // The path from the root to the scan of that relation.
    private static List<PlanNode> PathTo(PlanNode node, string alias)
    {
        if (node.IsScan && node.Alias == alias)
        {
            return [node];
        }

        foreach (var child in node.Children)
        {
            if (PathTo(child, alias) is { Count: > 0 } path)
            {
                return [node, .. path];
            }
        }

        return [];
    }

    private static double Selectivity(PlanPredicate predicate, TableInfo table)
    {
        var column = predicate.Key.Column is { } name ? table.FindColumn(name) : null;
        var distinct = column?.CountDistinct(table.Rows!.Value) ?? 200;
        return predicate.Kind switch
        {
            PredicateKind.Equal or PredicateKind.In => 1 / Math.Max(1, distinct),
            PredicateKind.Null => Math.Max(column?.NullFraction ?? DefaultMatch, 1e-6),
            PredicateKind.NotNull => Math.Max(1 - (column?.NullFraction ?? 0), 1e-6),
            PredicateKind.True or PredicateKind.False => 0.5,
            PredicateKind.Range => DefaultRange,
            PredicateKind.Unequal => 1,
            _ => DefaultMatch,
        };
    }

    private static double BitmapIndex(double rows, List<PlanPredicate> served, IndexDefinition index, long bytes, TableInfo table)
    {
        var pages = Math.Max(1, bytes / (double)PageBytes);
        var cpu = rows * (IndexTupleCost + (OperatorCost * served.Count) + (0.1 * OperatorCost));
        if (index.Method != "gin")
        {
            return (Math.Ceiling(rows * pages / table.Rows!.Value) * RandomPageCost) + cpu + WriteCost.OfDescent(table.Rows);
        }

        var searches = served.Sum(Searches);
        var fetched = (searches * Math.Round(Math.Pow(pages, 0.15))) + Math.Ceiling(rows / (PageBytes / 3.0));
        return (fetched * RandomPageCost) + cpu
            + (searches * ((Math.Ceiling(Math.Log2(table.Rows!.Value + 1)) * OperatorCost) + DescentPageCost));
    }

    // Number of entries that the scan looks up: the trigrams of a pattern, else a few.
    private static double Searches(PlanPredicate predicate) =>
        predicate.Pattern is { } pattern ? Math.Max(1, pattern.Count(char.IsLetterOrDigit) - 2) : 2;

    private static double BitmapHeap(double rows, int conditions, TableInfo table)
    {
        var all = (double)table.Pages;
        var fetched = Math.Max(1, PlanCorrection.MackertLohman(all, rows));
        var page = RandomPageCost - ((RandomPageCost - SequentialPageCost) * Math.Sqrt(fetched / all));
        return (fetched * page) + (rows * (TupleCost + (conditions * OperatorCost)));
    }

    // The index provides the order: no sort, and no more rows than requested.
    private static (int Replaced, double Startup, double Total) Nearest(
        List<PlanNode> path, double others, Candidate candidate, TableInfo table)
    {
        var limit = path.FindLastIndex(n => n.NodeType == "Limit");
        if (limit < 0
            || path.Skip(limit + 1).SkipLast(1).Any(n => n.NodeType is not ("Sort" or "Result" or "Gather" or "Gather Merge")))
        {
            return (-1, 0, 0);
        }

        var rows = Math.Min(table.Rows!.Value, path[limit].Rows / others);
        // The share of a complete scan that reads each page of the table and of the index once.
        var pages = rows * (table.Pages + (candidate.SizeBytes / (double)PageBytes)) / table.Rows!.Value;
        var startup = WriteCost.OfDescent(table.Rows);
        return (limit, startup, startup + (pages * RandomPageCost) + (rows * (IndexTupleCost + TupleCost + (3 * OperatorCost))));
    }

    // The cost of the root when a node below has that cost.
    private static double Above(List<PlanNode> path, int replaced, double startup, double total)
    {
        for (var i = replaced - 1; i >= 0; i--)
        {
            var (node, child) = (path[i], path[i + 1]);
            var times = node.NodeType == "Nested Loop"
                && child is { ParentRelationship: "Inner", NodeType: not ("Materialize" or "Memoize") }
                ? Math.Max(1, node.Children.Where(c => c.ParentRelationship == "Outer").Sum(c => c.Rows))
                : 1;
            var gain = (child.TotalCost - total) * times;
            if (node.NodeType == "Limit" && child.Rows > node.Rows)
            {
                total = startup + ((total - startup) * node.Rows / child.Rows);
            }
            else
            {
                // A node that needs all its input first (a sort, a hash) starts earlier by the complete difference.
                startup = node.StartupCost >= child.TotalCost * 0.999
                    ? node.StartupCost - gain : node.StartupCost + startup - child.StartupCost;
                total = node.TotalCost - gain;
            }
        }

        return total;
    }

    // An index for one branch of a disjunction; one that is there has no candidate.
    private sealed record Searchable(IndexDefinition Definition, long SizeBytes, Candidate? Candidate)
    {
        public bool Serves(PlanPredicate predicate) => Definition.Method switch
        {
            "gin" or "gist" => OperatorClasses.Serves(Definition, predicate) && predicate.Kind != PredicateKind.Nearest,
            "btree" or "hash" => Definition.Where is null && OperatorClasses.IsOn(Definition.Keys[0], predicate)
                && predicate.Kind switch
                {
                    PredicateKind.Equal => true,
                    PredicateKind.In or PredicateKind.Null or PredicateKind.Range or PredicateKind.True or PredicateKind.False =>
                        Definition.Method == "btree",
                    PredicateKind.Prefix => Definition is { Method: "btree", Keys: [{ OperatorClass: not null }, ..] },
                    _ => false,
                },
            _ => false,
        };
    }
}

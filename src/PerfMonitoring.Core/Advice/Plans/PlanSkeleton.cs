using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>How a plan reads one relation.</summary>
/// <param name="Slot">What for: two accesses of one slot give the same rows, as often, to where their order does not
/// matter.</param>
/// <param name="Used">The candidates that it uses, by id.</param>
/// <param name="Cost">What all its runs cost, in the planner's units, corrected.</param>
/// <param name="Planned">The same, as the planner says.</param>
/// <param name="Risk">What they may cost beyond.</param>
public sealed record PlanAccess(string Slot, IReadOnlyList<int> Used, double Cost, double Planned, double Risk);

/// <summary>
/// What is left of a plan when it is left open how some of its relations are read (INUM: Papadomanolakis, Dash, Ailamaki, VLDB
/// 2007): any access of the same slot can take the place of another, and the plan's cost changes by the difference of theirs.
/// </summary>
/// <param name="Planned">The plan's cost as the planner says, in its units.</param>
/// <param name="Fixed">The candidates that the plan uses where nothing can take their place, by id.</param>
/// <param name="Accesses">How it reads the others.</param>
public sealed record PlanSkeleton(double Planned, IReadOnlyList<int> Fixed, IReadOnlyList<PlanAccess> Accesses)
{
    /// <summary>Takes a plan apart.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">The candidate of an index's name with the size in bytes that the planner took it to have; null for an
    /// index that is there.</param>
    /// <param name="corrections">What must be added to the cost of a node (<see cref="PlanCorrection"/>), where anything
    /// must.</param>
    /// <param name="risks">What a node may cost beyond (<see cref="PlanRisk"/>), where it may.</param>
    public static PlanSkeleton Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find,
        IReadOnlyDictionary<PlanNode, double> corrections, IReadOnlyDictionary<PlanNode, double> risks)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(find);
        ArgumentNullException.ThrowIfNull(corrections);
        ArgumentNullException.ThrowIfNull(risks);
        var runs = new Dictionary<PlanNode, (double Loops, double Part)>(ReferenceEqualityComparer.Instance);
        PlanCorrection.Visit(plan, (node, loops, part) => runs[node] = (loops, part));
        var accesses = new List<PlanAccess>();
        var inPlace = new HashSet<int>();
        Walk(plan, false);
        return new PlanSkeleton(plan.TotalCost, [.. inPlace.Order()], accesses);

        void Walk(PlanNode node, bool isFree)
        {
            if (node is { IsScan: true, Alias: { } alias } && isFree && runs[node] is { Loops: >= 1, Part: 1 } run)
            {
                var planned = run.Loops * node.TotalCost;
                accesses.Add(new PlanAccess(
                    Slot(node, alias, run.Loops), [.. Used(node.All()).Order()],
                    planned + node.All().Sum(n => corrections.GetValueOrDefault(n)), planned,
                    node.All().Sum(n => risks.GetValueOrDefault(n))));
                return;
            }

            inPlace.UnionWith(Used([node]));
            foreach (var child in node.Children)
            {
                Walk(child, IsFree(node, child, isFree));
            }
        }

        IEnumerable<int> Used(IEnumerable<PlanNode> nodes) =>
            nodes.Select(n => n.IndexName).OfType<string>().Select(find).Where(c => c is not null).Select(c => c!.Value.Index.Id)
                .Distinct();
    }

    // Whether it is of no matter to the nodes above in which order a child gives its rows, and whether it gives all.
    private static bool IsFree(PlanNode node, PlanNode child, bool isFree) =>
        child.ParentRelationship is "Outer" or "Inner" or "Member" or "Subquery" && node.NodeType switch
    {
        "Hash Join" or "Hash" or "Sort" or "Gather" => true,
        "Aggregate" => node.GroupKeys.Count == 0 || node.IsHashed,
        "Nested Loop" => isFree || child.ParentRelationship == "Inner",
        "Materialize" or "Memoize" or "Subquery Scan" or "Append" => isFree,
        _ => false,
    };

    // The rows of an inner scan follow from what the outer relation asks for, those of another scan from its own conditions
    // alone.
    private static string Slot(PlanNode node, string alias, double loops)
    {
        var conditions = node.All().SelectMany(n => n.Conditions).Select(PlanExpression.Parse)
            .SelectMany(c => c.Split("AND") ?? [c]).ToList();
        return conditions.Exists(c => c.Columns().Any(column => column.Alias.Length > 0 && column.Alias != alias))
            ? $"{alias} {loops:G3} {string.Join(" and ", conditions.Select(Text).Distinct().Order(StringComparer.Ordinal))}"
            : $"{alias} {loops:G3}";
    }

    // With the names of the other relations, which SQL for an index would leave out.
    private static string Text(PlanExpression condition)
    {
        var words = condition.Tokens.Select(t => t.Text).ToList();
        return string.Join(' ', words is ["(", .., ")"] ? words.Skip(1).SkipLast(1) : words);
    }
}

using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// The tables in the plans of a workload. Plans contain the leaves of a partitioned table, but the advice is about the table
/// itself: <see cref="Unite"/> replaces the leaves by the table.
/// </summary>
internal sealed partial class WorkloadTables
{
    private readonly Dictionary<RelationName, TableInfo> advised;
    private readonly Dictionary<RelationName, RelationName> roots;

    private WorkloadTables(
        Dictionary<RelationName, TableInfo> advised, Dictionary<RelationName, RelationName> roots,
        List<PassedOverTable> passedOver)
    {
        this.advised = advised;
        this.roots = roots;
        PassedOver = passedOver;
    }

    /// <summary>The tables that may get an index; a partitioned table replaces its leaves.</summary>
    public IReadOnlyDictionary<RelationName, TableInfo> Advised => advised;

    /// <summary>The tables that get no index, with the reason.</summary>
    public IReadOnlyList<PassedOverTable> PassedOver { get; }

    /// <summary>Finds every table that the plans read or write, with two catalog queries for any number of plans.</summary>
    public static async Task<WorkloadTables> FindAsync(
        ICatalogRepository catalog, IEnumerable<PlanNode> plans, CancellationToken cancellationToken)
    {
        var names = plans.SelectMany(p => p.All()).Where(n => n.RelationName is not null)
            .Select(n => new RelationName(n.Schema, n.RelationName!)).ToHashSet();
        var found = (await catalog.FindTablesAsync(names, cancellationToken)).ToDictionary(t => t.Name);
        var roots = found.Values.Where(t => t.Root is not null).ToDictionary(t => t.Name, t => t.Root!);
        var unknown = roots.Values.Where(r => !found.ContainsKey(r)).ToHashSet();
        foreach (var root in await catalog.FindTablesAsync(unknown, cancellationToken))
        {
            found.Add(root.Name, root);
        }

        var advised = new Dictionary<RelationName, TableInfo>();
        var passedOver = new List<PassedOverTable>();
        foreach (var table in found.Values.Where(t => t.Root is null))
        {
            if (WhyNot(table) is { } reason)
            {
                passedOver.Add(reason);
            }
            else
            {
                advised.Add(table.Name, table);
            }
        }

        return new WorkloadTables(advised, roots, [.. passedOver.OrderBy(t => t.TableName, StringComparer.Ordinal)]);
    }

    /// <summary>
    /// The plan with partitioned tables instead of their leaves: one scan of the table replaces an Append of its leaves, under
    /// the alias that the nodes above use. It is for reading the uses of a statement; its costs are those of the original plan.
    /// </summary>
    public PlanNode Unite(PlanNode plan)
    {
        if (roots.Count == 0 || !plan.All().Any(IsLeaf))
        {
            return plan;
        }

        // The leaves of "orders o" are o_1, o_2 ..., and plain o where pruning left only one.
        var several = plan.All().Where(n => n.IsScan && IsLeaf(n)).GroupBy(n => (RootOf(n), Numbered().Replace(n.Alias!, "")))
            .Where(g => g.Count() > 1)
            .SelectMany(g => g).Select(n => n.Alias!);
        var under = plan.All().Where(IsAppend).SelectMany(n => n.Children).Where(n => n.IsScan && IsLeaf(n))
            .Select(n => n.Alias!);
        var aliases = several.Concat(under).Distinct().ToDictionary(a => a, a => Numbered().Replace(a, ""));
        return Replace(plan, aliases);
    }

    private PlanNode Replace(PlanNode node, Dictionary<string, string> aliases)
    {
        var children = node.Children.Select(c => Replace(c, aliases)).ToList();
        if (IsAppend(node) && children is [{ IsScan: true } first, ..]
            && children.TrueForAll(
                c => c.IsScan && c.Alias == first.Alias && c.RelationName == first.RelationName && c.Schema == first.Schema))
        {
            return first with
            {
                TotalCost = node.TotalCost,
                Rows = node.Rows,
                Conditions = [.. children.SelectMany(c => c.Conditions).Distinct()],
                SortKeys = Rename(node.SortKeys, aliases),
                Children = [.. children.SelectMany(c => c.Children)],
            };
        }

        var root = IsLeaf(node) ? RootOf(node) : null;
        return node with
        {
            Schema = root is null ? node.Schema : root.Schema,
            RelationName = root is null ? node.RelationName : root.Name,
            Alias = node.Alias is { } alias ? aliases.GetValueOrDefault(alias, alias) : null,
            Conditions = Rename(node.Conditions, aliases),
            SortKeys = Rename(node.SortKeys, aliases),
            GroupKeys = Rename(node.GroupKeys, aliases),
            Output = Rename(node.Output, aliases),
            Children = children,
        };
    }

    private static IReadOnlyList<string> Rename(IReadOnlyList<string> texts, Dictionary<string, string> aliases) =>
        texts.Count == 0 || aliases.Count == 0 ? texts : [.. texts.Select(t => PlanExpression.Rename(t, aliases))];

    private static bool IsAppend(PlanNode node) => node.NodeType is "Append" or "Merge Append";

    private bool IsLeaf(PlanNode node) =>
        node.RelationName is not null && roots.ContainsKey(new RelationName(node.Schema, node.RelationName));

    private RelationName RootOf(PlanNode node) => roots[new RelationName(node.Schema, node.RelationName!)];

    private static PassedOverTable? WhyNot(TableInfo table)
    {
        var reason = table switch
        {
            { IsSystem: true } => "it belongs to the system.",
            { Name.Schema: var schema } when StoreSchema.IsStore(schema) => "it belongs to PerfMonitoring's store.",
            { IsTemporary: true } => "it is temporary.",
            { Kind: RelationKind.ForeignTable } => "it is a foreign table: its indexes are made where its rows are.",
            { Kind: RelationKind.PartitionedTable, Leaves.Count: 0 } => "it is partitioned and has no partition yet.",
            { CanBeIndexed: false } => "it is a relation that takes no index.",
            _ => null,
        };
        return reason is null
            ? null : new PassedOverTable(
                table.Name.ToString(), reason, IsExpected: table.IsSystem || StoreSchema.IsStore(table.Name.Schema));
    }

    [GeneratedRegex(@"_\d+$")]
    private static partial Regex Numbered();
}

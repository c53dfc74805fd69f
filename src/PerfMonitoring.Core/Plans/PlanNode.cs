using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>A node of a plan, with the properties that the advisor reads.</summary>
public sealed record PlanNode
{
    // Every property of EXPLAIN that contains one condition or a list of them.
    private static readonly string[] ConditionNames =
    [
        "Filter", "Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "One-Time Filter", "TID Cond",
        "Order By",
    ];

    private PlanNode()
    {
    }

    /// <summary>For example <c>Seq Scan</c>.</summary>
    public required string NodeType { get; init; }

    /// <summary>Estimated total cost of the node, in planner units.</summary>
    public required double TotalCost { get; init; }

    /// <summary>Estimated cost until the first row, in planner units.</summary>
    public double StartupCost { get; init; }

    /// <summary>Estimated number of rows.</summary>
    public double Rows { get; init; }

    /// <summary>
    /// Relationship to the parent node: Outer, Inner, SubPlan, InitPlan, Member or Subquery; null for the root.
    /// </summary>
    public string? ParentRelationship { get; init; }

    /// <summary>Operation of a ModifyTable: Insert, Update, Delete or Merge; null for other nodes.</summary>
    public string? Operation { get; init; }

    /// <summary>Schema of the table that it scans, or null.</summary>
    public string? Schema { get; init; }

    /// <summary>The table that it scans or writes, or null.</summary>
    public string? RelationName { get; init; }

    /// <summary>The name of the table in conditions, unique in the plan.</summary>
    public string? Alias { get; init; }

    /// <summary>The index that it uses, or null.</summary>
    public string? IndexName { get; init; }

    /// <summary>
    /// Name of a subplan, with the parameters that carry its result (before PostgreSQL 17): InitPlan 1 (returns $0); null for
    /// other nodes.
    /// </summary>
    public string? SubplanName { get; init; }

    /// <summary>Conditions, each as the server writes it.</summary>
    public IReadOnlyList<string> Conditions { get; init; } = [];

    /// <summary>The search condition of the index, or null.</summary>
    public string? IndexCondition { get; init; }

    /// <summary>The parsed index condition; parsed once for all readers.</summary>
    internal PlanExpression? IndexExpression => field ??= IndexCondition is null ? null : PlanExpression.Parse(IndexCondition);

    /// <summary>Sort keys in order, with DESC and NULLS.</summary>
    public IReadOnlyList<string> SortKeys { get; init; } = [];

    /// <summary>Keys that rows are grouped by.</summary>
    public IReadOnlyList<string> GroupKeys { get; init; } = [];

    /// <summary>Whether it groups with a hash table, which does not depend on the order of the rows.</summary>
    public bool IsHashed { get; init; }

    /// <summary>The output columns and expressions.</summary>
    public IReadOnlyList<string> Output { get; init; } = [];

    /// <summary>Its inputs.</summary>
    public IReadOnlyList<PlanNode> Children { get; init; } = [];

    /// <summary>Whether it reads rows of a table.</summary>
    public bool IsScan => RelationName is not null && NodeType != "ModifyTable";

    /// <summary>This node and all nodes below it.</summary>
    public IEnumerable<PlanNode> All() => Children.SelectMany(c => c.All()).Prepend(this);

    /// <summary>The plan of a statement as EXPLAIN (FORMAT JSON) writes it.</summary>
    /// <exception cref="JsonException">The text is no plan, or that of a utility statement.</exception>
    /// <exception cref="PerfMonitoringException">PlanTooDeep.</exception>
    public static PlanNode Parse(string json) => ParseAll(json)[0];

    /// <summary>The plans of a statement: rules can make several statements of it.</summary>
    /// <exception cref="JsonException">The text is no plan, or that of a utility statement.</exception>
    /// <exception cref="PerfMonitoringException">PlanTooDeep.</exception>
    public static IReadOnlyList<PlanNode> ParseAll(string json)
    {
        using var document = PlanJson.Read(json);
        return
        [
            .. document.RootElement.EnumerateArray().Select(root => root.TryGetProperty("Plan", out var plan)
                ? Read(plan) : throw new JsonException("There is no plan: a utility statement.")),
        ];
    }

    private static PlanNode Read(JsonElement plan) => new()
    {
        NodeType = Text(plan, "Node Type") ?? "",
        TotalCost = Number(plan, "Total Cost"),
        StartupCost = Number(plan, "Startup Cost"),
        Rows = Number(plan, "Plan Rows"),
        ParentRelationship = Text(plan, "Parent Relationship"),
        Operation = Text(plan, "Operation"),
        Schema = Text(plan, "Schema"),
        RelationName = Text(plan, "Relation Name"),
        Alias = Text(plan, "Alias"),
        IndexName = Text(plan, "Index Name"),
        SubplanName = Text(plan, "Subplan Name"),
        Conditions = [.. ConditionNames.SelectMany(name => List(plan, name))],
        IndexCondition = Text(plan, "Index Cond"),
        SortKeys = List(plan, "Sort Key"),
        GroupKeys = [.. List(plan, "Group Key")],
        IsHashed = Text(plan, "Strategy") == "Hashed",
        Output = List(plan, "Output"),
        Children = plan.TryGetProperty("Plans", out var plans) ? [.. plans.EnumerateArray().Select(Read)] : [],
    };

    private static string? Text(JsonElement plan, string name) =>
        plan.TryGetProperty(name, out var value) ? value.GetString() : null;

    // A plan with COSTS off has none.
    private static double Number(JsonElement plan, string name) =>
        plan.TryGetProperty(name, out var value) ? value.GetDouble() : 0;

    private static List<string> List(JsonElement plan, string name) =>
        !plan.TryGetProperty(name, out var value) ? []
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(v => v.GetString()!)]
        : [value.GetString()!];
}

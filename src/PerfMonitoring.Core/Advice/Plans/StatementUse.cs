using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>How a condition restricts one column or expression of a relation.</summary>
internal enum PredicateKind
{
    /// <summary>Equal to a constant or a parameter.</summary>
    Equal,
    /// <summary>One of several values.</summary>
    In,
    /// <summary>Equal to an expression of another relation.</summary>
    Join,
    /// <summary>Less or greater than a value.</summary>
    Range,
    /// <summary>LIKE with a constant prefix.</summary>
    Prefix,
    /// <summary>IS NULL.</summary>
    Null,
    /// <summary>A boolean that must be true.</summary>
    True,
    /// <summary>A boolean that must be false.</summary>
    False,
    /// <summary>IS NOT NULL: a B-tree search cannot use it, but a partial index can.</summary>
    NotNull,
    /// <summary>Not equal to a constant: a B-tree search cannot use it, but a partial index can.</summary>
    Unequal,
    /// <summary>
    /// Another test of whether a value is one of two or three, null among them (IS NOT TRUE): a B-tree search cannot use it, but
    /// a partial index can.
    /// </summary>
    Test,
    /// <summary>Another operator (<see cref="PlanPredicate.Operator"/>): containment, overlap, text search, patterns.</summary>
    Operator,
    /// <summary>The nearest rows come first (ORDER BY x &lt;-&gt; y).</summary>
    Nearest,
}

/// <summary>A condition that an index can serve.</summary>
/// <param name="Kind">The kind of restriction.</param>
/// <param name="Key">The column or expression.</param>
internal sealed record PlanPredicate(PredicateKind Kind, IndexKey Key)
{
    /// <summary>
    /// The operator, for <see cref="PredicateKind.Operator"/> and <see cref="PredicateKind.Prefix"/>; else null.
    /// </summary>
    public string? Operator { get; init; }

    /// <summary>The string in the comparison, for patterns; null where it is a parameter, or does not matter.</summary>
    public string? Pattern { get; init; }

    /// <summary>The constant that is asked for, for <see cref="PredicateKind.Equal"/>; null where it is a parameter.</summary>
    public string? Constant { get; init; }

    /// <summary>The alias of the other relation in the plan, for <see cref="PredicateKind.Join"/>; else null.</summary>
    public string? Other { get; init; }

    /// <summary>The column of the other relation; null where it is not a bare column.</summary>
    public string? OtherColumn { get; init; }

    /// <summary>
    /// The condition in the form for an index's WHERE; null where its value is a parameter or is not in the text of the
    /// statement.
    /// </summary>
    public string? Condition { get; init; }
}

/// <summary>The use of one relation of a plan by a statement.</summary>
internal sealed record RelationUse
{
    /// <summary>The table.</summary>
    public required RelationName Table { get; init; }

    /// <summary>The alias in the plan.</summary>
    public required string Alias { get; init; }

    /// <summary>Conditions that all hold.</summary>
    public IReadOnlyList<PlanPredicate> Predicates { get; init; } = [];

    /// <summary>Conditions of which one branch holds (OR); each branch has the conditions that hold together.</summary>
    public IReadOnlyList<IReadOnlyList<IReadOnlyList<PlanPredicate>>> Disjunctions { get; init; } = [];

    /// <summary>The branches of all disjunctions.</summary>
    public IEnumerable<IReadOnlyList<PlanPredicate>> Alternatives => Disjunctions.SelectMany(d => d);

    /// <summary>Useful orders of the rows: ORDER BY, merge joins, min and max.</summary>
    public IReadOnlyList<IReadOnlyList<IndexKey>> Orders { get; init; } = [];

    /// <summary>Useful groupings of the rows.</summary>
    public IReadOnlyList<IReadOnlyList<IndexKey>> Groups { get; init; } = [];

    /// <summary>The columns that are read; null where whole rows are read.</summary>
    public IReadOnlySet<string>? Columns { get; init; }

    /// <summary>
    /// Columns that nothing but one condition reads, with that condition: a partial index for it need not have them.
    /// </summary>
    public IReadOnlyDictionary<string, string> ReadOnce { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Whether a condition is on an expression with a parameter inside, so that no index can be proposed on it:
    /// pg_stat_statements takes away the constants of expressions, too.
    /// </summary>
    public bool HasLostConstants { get; init; }

    /// <summary>Whether a LIMIT, or a search for an extreme value only, may end the scan before all rows are read.</summary>
    public bool MayStopEarly { get; init; }

    /// <summary>
    /// Rows that the conditions on the relation select, by the planner; null where the scan depends on the rows of another
    /// relation.
    /// </summary>
    public double? Rows { get; init; }
}

/// <summary>The uses of relations by a statement.</summary>
/// <param name="Relations">One entry for each alias.</param>
internal sealed record StatementUse(IReadOnlyList<RelationUse> Relations);

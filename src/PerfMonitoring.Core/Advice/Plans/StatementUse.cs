using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>How a condition restricts one column or expression of a relation.</summary>
public enum PredicateKind
{
    /// <summary>Equal to a constant or a parameter.</summary>
    Equal,
    /// <summary>One of several values.</summary>
    In,
    /// <summary>Equal to an expression of another relation.</summary>
    Join,
    /// <summary>Less or greater than something.</summary>
    Range,
    /// <summary>LIKE with a constant beginning.</summary>
    Prefix,
    /// <summary>IS NULL.</summary>
    Null,
    /// <summary>A boolean that must be true.</summary>
    True,
    /// <summary>A boolean that must be false.</summary>
    False,
    /// <summary>IS NOT NULL: no B-tree is entered by it, but a partial index can be made of it.</summary>
    NotNull,
    /// <summary>Not equal to a constant: no B-tree is entered by it, but a partial index can be made of it.</summary>
    Unequal,
    /// <summary>Another operator (<see cref="PlanPredicate.Operator"/>): containment, overlap, text search, patterns.</summary>
    Operator,
    /// <summary>The rows that are nearest to something come first (ORDER BY x &lt;-&gt; y).</summary>
    Nearest,
}

/// <summary>A condition that an index can serve.</summary>
/// <param name="Kind">How it restricts.</param>
/// <param name="Key">The column or expression.</param>
public sealed record PlanPredicate(PredicateKind Kind, IndexKey Key)
{
    /// <summary>
    /// The operator, for <see cref="PredicateKind.Operator"/> and <see cref="PredicateKind.Prefix"/>; else null.
    /// </summary>
    public string? Operator { get; init; }

    /// <summary>The string that it compares with, for patterns; null where it is a parameter, or of no matter.</summary>
    public string? Pattern { get; init; }

    /// <summary>What the plan calls the other relation, for <see cref="PredicateKind.Join"/>; else null.</summary>
    public string? Other { get; init; }

    /// <summary>The column there that it is equal to; null where it is no bare column.</summary>
    public string? OtherColumn { get; init; }

    /// <summary>
    /// The condition as it can stand in an index's WHERE; null where its value is a parameter or does not stand in the
    /// statement's text.
    /// </summary>
    public string? Condition { get; init; }
}

/// <summary>What a statement wants of one relation of its plan.</summary>
public sealed record RelationUse
{
    /// <summary>The table.</summary>
    public required RelationName Table { get; init; }

    /// <summary>What the plan calls it.</summary>
    public required string Alias { get; init; }

    /// <summary>Conditions that all hold.</summary>
    public IReadOnlyList<PlanPredicate> Predicates { get; init; } = [];

    /// <summary>Conditions of which one branch holds (OR), branch by branch.</summary>
    public IReadOnlyList<IReadOnlyList<PlanPredicate>> Alternatives { get; init; } = [];

    /// <summary>Orders that it is wanted in: ORDER BY, merge joins, min and max.</summary>
    public IReadOnlyList<IReadOnlyList<IndexKey>> Orders { get; init; } = [];

    /// <summary>Groups that it is wanted in.</summary>
    public IReadOnlyList<IReadOnlyList<IndexKey>> Groups { get; init; } = [];

    /// <summary>The columns that are read at all; null where whole rows are.</summary>
    public IReadOnlySet<string>? Columns { get; init; }

    /// <summary>Whether a LIMIT, or the wish for an extreme value only, may end the scan before all rows are read.</summary>
    public bool MayStopEarly { get; init; }

    /// <summary>
    /// Rows that the planner expects its own conditions to leave; null where the scan depends on another relation's rows.
    /// </summary>
    public double? Rows { get; init; }
}

/// <summary>What a statement wants of its relations.</summary>
/// <param name="Relations">One entry an alias.</param>
public sealed record StatementUse(IReadOnlyList<RelationUse> Relations);

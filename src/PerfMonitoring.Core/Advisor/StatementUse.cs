using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

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
}

/// <summary>A condition that an index can serve.</summary>
/// <param name="Kind">How it restricts.</param>
/// <param name="Key">The column or expression.</param>
public sealed record PlanPredicate(PredicateKind Kind, IndexKey Key);

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
}

/// <summary>What a statement wants of its relations.</summary>
/// <param name="Relations">One entry an alias.</param>
public sealed record StatementUse(IReadOnlyList<RelationUse> Relations);

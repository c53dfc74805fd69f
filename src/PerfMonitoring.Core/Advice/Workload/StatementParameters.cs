using System.Collections.Concurrent;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>
/// Gives values to the parameters of statements. A generic plan assumes that all values of a column are equally common, that a
/// range is a third of the table, and that a LIMIT is a tenth of the rows (PostgreSQL: var_eq_non_const(), DEFAULT_INEQ_SEL in
/// selfuncs.h, preprocess_limit()). It therefore hides which indexes the real values would use.
/// </summary>
/// <remarks>
/// The values come from the statistics of ANALYZE (pg_stats), since neither pg_stat_statements nor the query log keeps constants.
/// A statement has two variants. The typical variant has a value of median frequency, the newest (or, with only an upper bound,
/// the oldest) twentieth of the rows, the prefix of a typical value where a text is compared with LIKE, and the first ten rows.
/// The heavy variant has the most common value and half of the rows. The share of the heavy variant is unknown. The assumption is
/// that parameters follow the data, so that each value is requested as often as it occurs, and that a tenth of the executions
/// have a wide range. <see cref="Weigh"/> replaces the assumption by evidence.
/// </remarks>
/// <param name="catalog">Reads the statistics.</param>
internal sealed class StatementParameters(ICatalogRepository catalog)
{
    private readonly ConcurrentDictionary<(RelationName Table, string Column), ColumnValues?> columns = new();

    /// <summary>
    /// The variants of a statement. Where the workload has texts with constants, these are the variants. The generic plan alone
    /// is the variant where there are no parameters, not all of them have known values, or the values make no difference.
    /// Otherwise there is a typical variant and, where it differs, a heavy one. The server may refuse values (a type that does
    /// not accept them); then the generic plan stays.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <param name="genericPlan">The generic plan of the statement, with VERBOSE.</param>
    /// <param name="tables">The tables of the workload.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<IReadOnlyList<PlanVariant>> VariantsAsync(
        WorkloadStatement statement, PlanNode genericPlan, WorkloadTables tables, CancellationToken cancellationToken)
    {
        if (statement.Examples.Count > 0)
        {
            return statement.Examples;
        }

        IReadOnlyList<PlanVariant> generic = [new(statement.ToPlanText(statement.Text), 1)];
        if (PlannableText.TryMake(statement.Text, out var parameters) is not { } text || parameters == 0)
        {
            return generic;
        }

        var reading = ParameterReading.Read(tables.Unite(genericPlan), text);
        await LoadAsync([.. reading.Facts.Select(f => f.Target).OfType<ParameterTarget>()], cancellationToken);
        var known = reading.Facts.Where(f => f.Target is not null && Values(f.Target) is not null).ToList();
        var skewed = known.Where(f => f.Operator is "=" or "= ANY").Select(f => Values(f.Target!)!)
            .Where(v => v.HeavyShare is not null).Distinct().ToList();
        var hasRange = known.Exists(f => f.Operator is "<" or "<=" or ">" or ">=");
        if (skewed.Count == 0 && !reading.HasLimit && known.TrueForAll(f => f.Operator is "=" or "<>" or "= ANY" or "<> ALL"))
        {
            // Every value is equally common, as the generic plan assumes.
            return generic;
        }

        if (Choose(isHeavy: false) is not { } typical)
        {
            return generic;
        }

        if ((skewed.Count == 0 && !hasRange) || Choose(isHeavy: true) is not { } heavy || heavy.SequenceEqual(typical))
        {
            return [new(statement.ToPlanText(text, typical), 1)];
        }

        var share = skewed.Count > 0
            ? skewed.Aggregate(1.0, (product, column) => product * column.HeavyShare!.Value) : Tuning.Costs.WideRangeShare;
        return [new(statement.ToPlanText(text, typical), 1 - share), new(statement.ToPlanText(text, heavy), share)];

        IReadOnlyList<string?>? Choose(bool isHeavy) => new ParameterChoice(reading, Values, isHeavy).Choose(parameters);
    }

    /// <summary>
    /// The shares that match the rows that the statement really returned or changed: the heavy variant returns more rows than the
    /// typical one, so the mean gives their shares. The shares are unchanged where the plans return about the same number of rows
    /// (an aggregate, a LIMIT).
    /// </summary>
    /// <param name="variants">The result of <see cref="VariantsAsync"/>.</param>
    /// <param name="plans">Their plans, in the same order.</param>
    /// <param name="rowsPerCall">Mean number of rows by the server's counters; null where unknown.</param>
    public static IReadOnlyList<PlanVariant> Weigh(
        IReadOnlyList<PlanVariant> variants, IReadOnlyList<PlanNode> plans, double? rowsPerCall)
    {
        if (rowsPerCall is not { } rows || variants.Count != 2 || plans.Count != 2)
        {
            return variants;
        }

        var (typical, heavy) = (RowsOf(plans[0]), RowsOf(plans[1]));
        if (heavy < 2 * typical)
        {
            return variants;
        }

        var share = Math.Clamp((rows - typical) / (heavy - typical), 0, 1);
        return [variants[0] with { Share = 1 - share }, variants[1] with { Share = share }];
    }

    // A write without RETURNING returns no rows.
    private static double RowsOf(PlanNode plan) =>
        plan is { NodeType: "ModifyTable", Rows: 0 } ? plan.Children.Sum(c => c.Rows) : plan.Rows;

    private ColumnValues? Values(ParameterTarget target) => columns.GetValueOrDefault((target.Table, target.Column));

    private async Task LoadAsync(IReadOnlyCollection<ParameterTarget> targets, CancellationToken cancellationToken)
    {
        var missing = targets.Select(t => (t.Table, t.Column)).Where(c => !columns.ContainsKey(c)).ToHashSet();
        if (missing.Count == 0)
        {
            return;
        }

        var found = (await catalog.GetColumnValuesAsync(missing, cancellationToken))
            .Where(v => v.IsKnown || v.CommonElements.Count > 0).ToDictionary(v => (v.Table, v.Column));
        foreach (var column in missing)
        {
            columns[column] = found.GetValueOrDefault(column);
        }
    }
}

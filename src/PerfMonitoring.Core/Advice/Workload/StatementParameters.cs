using System.Collections.Concurrent;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>
/// Gives values to the parameters of statements. A generic plan takes every value of a column for equally common, a range for a
/// third of the table, a LIMIT for a tenth of the rows (PostgreSQL: var_eq_non_const(), DEFAULT_INEQ_SEL in selfuncs.h,
/// preprocess_limit()), so that it hides which indexes the values asked for would use.
/// </summary>
/// <remarks>
/// The values come from what ANALYZE keeps (pg_stats), since neither pg_stat_statements nor the query log keeps constants. Two
/// ways of running a statement are told apart. The typical one asks for a value of median frequency, for the newest (or, with an
/// upper bound alone, the oldest) twentieth of the rows, for the beginning of a typical value where a text is compared with LIKE,
/// for the first ten rows. The heavy one asks for the most common value and for half of the rows. How often the heavy one is run
/// is not known: parameters are taken to follow the data, so that a value is asked for as often as it occurs; a wide range is
/// taken for a tenth of the runs. <see cref="Weigh"/> puts evidence in the place of that.
/// </remarks>
/// <param name="catalog">Where the statistics are.</param>
public sealed class StatementParameters(ICatalogRepository catalog)
{
    private const double WideRangeShare = 0.1;

    private readonly ConcurrentDictionary<(RelationName Table, string Column), ColumnValues?> columns = new();

    /// <summary>
    /// The ways in which a statement is run: its texts with constants where the workload has them; its generic plan alone where
    /// it has no parameters or no values can be told for all of them, or they would make no difference; else with typical values,
    /// and where they differ with heavy ones too. Values can be refused by the server (a type that does not read them): the
    /// generic plan stands then.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <param name="genericPlan">Its generic plan, with VERBOSE.</param>
    /// <param name="tables">The workload's tables.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<PlanVariant>> VariantsAsync(
        WorkloadStatement statement, PlanNode genericPlan, WorkloadTables tables, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(statement);
        ArgumentNullException.ThrowIfNull(genericPlan);
        ArgumentNullException.ThrowIfNull(tables);
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
            // Every value is as common as the others: that is what the generic plan says.
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
            ? skewed.Aggregate(1.0, (product, column) => product * column.HeavyShare!.Value) : WideRangeShare;
        return [new(statement.ToPlanText(text, typical), 1 - share), new(statement.ToPlanText(text, heavy), share)];

        IReadOnlyList<string?>? Choose(bool isHeavy) => new ParameterChoice(reading, Values, isHeavy).Choose(parameters);
    }

    /// <summary>
    /// The shares that fit the rows that the statement really returned or changed: heavy runs give more rows than typical ones,
    /// and the mean tells how many of them there were. As they were where the plans give about the same number of rows (an
    /// aggregate, a LIMIT).
    /// </summary>
    /// <param name="variants">What <see cref="VariantsAsync"/> gave.</param>
    /// <param name="plans">Their plans, in the same order.</param>
    /// <param name="rowsPerCall">Mean number of rows, as counted by the server; null where unknown.</param>
    public static IReadOnlyList<PlanVariant> Weigh(
        IReadOnlyList<PlanVariant> variants, IReadOnlyList<PlanNode> plans, double? rowsPerCall)
    {
        ArgumentNullException.ThrowIfNull(variants);
        ArgumentNullException.ThrowIfNull(plans);
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

    // What is written without RETURNING hands nothing up.
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

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
/// A statement has up to three variants. The typical variant has a value of median frequency, the newest (or, with only an upper
/// bound, the oldest) twentieth of the rows, the prefix of a typical value where a text is compared with LIKE, and the first ten
/// rows.
/// The heavy variant has the most common value and half of the rows. The share of the heavy variant is unknown. The assumption is
/// that parameters follow the data, so that each value is requested as often as it occurs, and that a tenth of the executions
/// have a wide range. The third variant finds nothing or as little as possible, as a purge or a poll of a queue often does: it
/// counts only by evidence. <see cref="VariantShares"/> replaces assumptions by evidence.
/// </remarks>
/// <param name="catalog">Reads the statistics.</param>
internal sealed class StatementParameters(ICatalogRepository catalog)
{
    private readonly ConcurrentDictionary<(RelationName Table, string Column), ColumnValues?> columns = new();

    /// <summary>
    /// The variants of a statement. Where the workload has texts with constants, these are the variants. The generic plan alone
    /// is the variant where there are no parameters, not all of them have known values, or the values make no difference.
    /// Otherwise there is a typical variant and, where it differs, a heavy one. The server may refuse values (a type that does
    /// not accept them); then the generic plan stays. The second result is a variant with the share 0 that finds as little as
    /// possible; null where there is none.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <param name="genericPlan">The generic plan of the statement, with VERBOSE.</param>
    /// <param name="tables">The tables of the workload.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<(IReadOnlyList<PlanVariant> Usual, PlanVariant? Rare)> VariantsAsync(
        WorkloadStatement statement, PlanNode genericPlan, WorkloadTables tables, CancellationToken cancellationToken)
    {
        if (statement.Examples.Count > 0)
        {
            return (statement.Examples, null);
        }

        IReadOnlyList<PlanVariant> generic = [new(statement.ToPlanText(statement.Text), 1)];
        if (PlannableText.TryMake(statement.Text, out var parameters) is not { } text || parameters == 0)
        {
            return (generic, null);
        }

        var reading = ParameterReading.Read(tables.Unite(genericPlan), text, statement.RowsPerCall);
        await LoadAsync([.. reading.Facts.Select(f => f.Target).OfType<ParameterTarget>()], cancellationToken);
        var known = reading.Facts.Where(f => f.Target is not null && Values(f.Target) is not null).ToList();
        var skewed = known.Where(f => f.Operator is "=" or "= ANY").Select(f => Values(f.Target!)!)
            .Where(v => v.HeavyShare is not null).Distinct().ToList();
        var hasRange = known.Exists(f => f.Operator is "<" or "<=" or ">" or ">=");
        if (skewed.Count == 0 && !reading.HasLimit && known.TrueForAll(f => f.Operator is "=" or "<>" or "= ANY" or "<> ALL"))
        {
            // Every value is equally common, as the generic plan assumes.
            return (generic, null);
        }

        if (Choose(ValueFrequency.Typical) is not { } typical)
        {
            return (generic, null);
        }

        var heavy = skewed.Count == 0 && !hasRange ? null : Choose(ValueFrequency.Heavy);
        heavy = heavy?.SequenceEqual(typical) == true ? null : heavy;
        // Where all values are known, the least common one can be the typical one.
        var rare = Choose(ValueFrequency.Rare) is { } few && (heavy is not null || !few.SequenceEqual(typical))
            ? new PlanVariant(statement.ToPlanText(text, few), 0) : null;
        if (heavy is null)
        {
            return ([new(statement.ToPlanText(text, typical), 1)], rare);
        }

        var share = skewed.Count > 0
            ? skewed.Aggregate(1.0, (product, column) => product * column.HeavyShare!.Value) : Tuning.Costs.WideRangeShare;
        return (
            [new(statement.ToPlanText(text, typical), 1 - share), new(statement.ToPlanText(text, heavy), share)], rare);

        IReadOnlyList<string?>? Choose(ValueFrequency frequency) =>
            new ParameterChoice(reading, Values, frequency).Choose(parameters);
    }

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

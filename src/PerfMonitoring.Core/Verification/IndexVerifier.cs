using System.Globalization;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.QueryLog;

namespace PerfMonitoring.Verification;

/// <summary>Options of a verification.</summary>
internal sealed record VerificationOptions
{
    /// <summary>Observation window before and after the build.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The minimum effect, as a share of the time before; above 0 and below 1.</summary>
    public double MinimumEffect { get; init; } = 0.1;

    /// <summary>Confidence of the intervals; above 0.5 and below 1.</summary>
    public double Confidence { get; init; } = 0.95;
}

/// <summary>Compares the executions of queries before and after the build of an index.</summary>
internal static class IndexVerifier
{
    /// <summary>
    /// The indexes that this module created and that were not dropped since: the last successful action that created or dropped
    /// the index is a Create. Only actions at or after a moment.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    public static async Task<IReadOnlyList<IndexAction>> GetCreatedAsync(
        IIndexActionRepository actions, IndexActionFilter filter, CancellationToken cancellationToken)
    {
        var last = new Dictionary<(string Table, string Index), IndexAction>();
        var succeeded = new IndexActionFilter
        {
            TableName = filter.TableName,
            IndexName = filter.IndexName,
            Outcomes = [IndexActionOutcome.Succeeded],
            Actions = [IndexActionKind.Create, IndexActionKind.Revert, IndexActionKind.Drop, IndexActionKind.Restore],
        };
        await foreach (var action in actions.GetAsync(succeeded, cancellationToken))
        {
            last.TryAdd((action.TableName, action.IndexName), action);
        }

        return last.Values
            .Where(a => a.Action == IndexActionKind.Create && (filter.Since is null || a.StartedAt >= filter.Since)
                && (filter.StrategyIds is null || (a.IndexStrategyId is { } id && filter.StrategyIds.Contains(id))))
            .OrderBy(a => a.StartedAt).ThenBy(a => a.Id).ToArray();
    }

    /// <summary>Whether this module ever created such an index, even if it was dropped later.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    public static async Task<bool> WasCreatedAsync(
        IIndexActionRepository actions, string tableName, string indexName, CancellationToken cancellationToken)
    {
        var filter = new IndexActionFilter
        {
            TableName = tableName, IndexName = indexName, Outcomes = [IndexActionOutcome.Succeeded],
            Actions = [IndexActionKind.Create],
        };
        await foreach (var _ in actions.GetAsync(filter, cancellationToken))
        {
            return true;
        }

        return false;
    }

    /// <summary>Reads the executions around a build from the log and judges them.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="create">The build: a Create that succeeded.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    public static async Task<IndexVerification> VerifyAsync(
        IMonitoringConnection connection, IndexAction create, VerificationOptions options, CancellationToken cancellationToken)
    {
        var built = create.FinishedAt ?? throw new ArgumentException("The build has not ended.", nameof(create));
        var table = RelationName.Parse(create.TableName);
        var meant = new HashSet<string>(StringComparer.Ordinal);
        if (create.IndexStrategyId is { } id)
        {
            await foreach (var strategy in connection.Strategies.GetAsync(
                new() { Ids = [id], IncludeInactive = true }, cancellationToken))
            {
                meant.UnionWith(strategy.Impacts.Select(i => i.QueryHash));
            }
        }

        var observations = await connection.QueryLog.GetObservationsAsync(
            [.. meant], table.Name, create.StartedAt - options.Window, built + options.Window, cancellationToken);
        var verification = Verify(create, meant, observations, options);
        var others = (await GetCreatedAsync(connection.Actions, new() { TableName = create.TableName }, cancellationToken))
            .Where(o =>
                o.Id != create.Id && o.StartedAt >= create.StartedAt - options.Window && o.StartedAt < built + options.Window)
            .Select(o => o.IndexName).ToList();
        return others.Count == 0
            ? verification
            : verification with {
                Notes = [$"Built on the same table in that time, and not to be told apart: {string.Join(", ", others)}."] };
    }

    /// <summary>
    /// Judges the queries of a build: those that the index is intended for (all that name the table where none is known) and all
    /// writes to the table.
    /// </summary>
    /// <param name="create">The build: a Create that succeeded.</param>
    /// <param name="meant">Fingerprints of the queries that the index is intended for.</param>
    /// <param name="observations">Executions before and after; those that overlap the build are left out.</param>
    /// <param name="options">Limits.</param>
    public static IndexVerification Verify(
        IndexAction create, IReadOnlySet<string> meant, IReadOnlyCollection<QueryObservation> observations,
        VerificationOptions options)
    {
        var table = RelationName.Parse(create.TableName).Name;
        var compared = observations.GroupBy(o => o.QueryHash, StringComparer.Ordinal)
            .Where(g =>
                meant.Contains(g.Key) || (Names(g.First().Query, table) && (meant.Count == 0 || IsWrite(g.First().Query))))
            .Select(g => Compare(g.Key, [.. g], create, options))
            .OrderByDescending(c => c.Before.Mean * c.Before.Calls).ThenBy(c => c.Query.QueryHash, StringComparer.Ordinal)
            .ToList();

        var basket = compared.Where(c => c.Ratio is not null).ToList();
        var ratio = MeanRatio.Of(Basket(basket, c => c.Before), Basket(basket, c => c.After), options.Confidence);
        var verdict = ratio?.Judge(options.MinimumEffect) ?? VerificationVerdict.Insufficient;
        return new IndexVerification
        {
            IndexStrategyId = create.IndexStrategyId,
            TableName = create.TableName,
            IndexName = create.IndexName,
            BuiltAt = create.FinishedAt!.Value,
            Verdict = verdict,
            Effect = Share(ratio?.Log),
            EffectLower = Share(ratio?.Lower),
            EffectUpper = Share(ratio?.Upper),
            Confidence = options.Confidence,
            Window = options.Window,
            MinimumEffect = options.MinimumEffect,
            Queries = compared.Select(c => c.Query).ToArray(),
            Reason = Explain(verdict, ratio, [.. compared.Select(c => c.Query)], basket.Count, options),
            Target = create.Target,
        };
    }

    private static Comparison Compare(
        string hash, List<QueryObservation> observations, IndexAction create, VerificationOptions options)
    {
        var before = observations.Where(o => o.End <= create.StartedAt).ToList();
        var after = observations.Where(o => (o.IsExecution ? o.End : o.Start) >= create.FinishedAt).ToList();

        // Intervals count every execution, a log of executions often only the slow ones, so the two are not mixed.
        if (before.Exists(o => !o.IsExecution) && after.Exists(o => !o.IsExecution))
        {
            before.RemoveAll(o => o.IsExecution);
            after.RemoveAll(o => o.IsExecution);
        }
        else
        {
            before.RemoveAll(o => !o.IsExecution && after.Exists(a => a.IsExecution));
            after.RemoveAll(o => !o.IsExecution && before.Exists(b => b.IsExecution));
        }

        var (meanBefore, meanAfter) = (MeanEstimate.From(before), MeanEstimate.From(after));
        var ratio = MeanRatio.Of(meanBefore, meanAfter, options.Confidence);
        var verdict = ratio?.Judge(options.MinimumEffect) ?? VerificationVerdict.Insufficient;
        return new(meanBefore, meanAfter, ratio, new QueryVerification
        {
            QueryHash = hash,
            Query = observations[0].Query,
            IsWrite = IsWrite(observations[0].Query),
            Verdict = verdict,
            MeanBeforeMs = meanBefore.Calls > 0 ? meanBefore.Mean : null,
            MeanAfterMs = meanAfter.Calls > 0 ? meanAfter.Mean : null,
            Effect = Share(ratio?.Log),
            EffectLower = Share(ratio?.Lower),
            EffectUpper = Share(ratio?.Upper),
            CallsBefore = meanBefore.Calls,
            CallsAfter = meanAfter.Calls,
            IntervalsBefore = meanBefore.Intervals,
            IntervalsAfter = meanAfter.Intervals,
            Missing = verdict != VerificationVerdict.Insufficient
                ? null : ratio is not null ? "More executions: the confidence interval is too wide."
                : Missing("before", meanBefore) ?? Missing("after", meanAfter),
        });
    }

    // A fixed basket (Laspeyres): each query counts with its calls before the build, so that a change of the mix is not a change
    // of the time.
    private static MeanEstimate Basket(List<Comparison> basket, Func<Comparison, MeanEstimate> side)
    {
        if (basket.Count == 0)
        {
            return default;
        }

        var parts = basket.Select(c => (Weight: (double)c.Before.Calls, Estimate: side(c))).ToList();
        var variance = parts.Sum(p => p.Weight * p.Weight * p.Estimate.Variance!.Value);
        // Satterthwaite (1946).
        var freedom = variance * variance / parts.Sum(
            p => Math.Pow(p.Weight * p.Weight * p.Estimate.Variance!.Value, 2) / p.Estimate.DegreesOfFreedom);
        return new(
            parts.Sum(p => p.Weight * p.Estimate.Mean), variance, double.IsFinite(freedom) ? freedom : 1,
            parts.Sum(p => p.Estimate.Calls), parts.Sum(p => p.Estimate.Intervals));
    }

    private static string? Missing(string when, MeanEstimate estimate) =>
        estimate.Calls == 0 ? $"No execution {when} the build."
        : estimate.Mean <= 0 ? $"The time {when} the build is 0."
        : estimate.Variance is not null ? null
        : estimate.Calls < MeanEstimate.MinimumCalls
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{estimate.Calls} execution(s) {when} the build; {MeanEstimate.MinimumCalls} are needed.")
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{estimate.Intervals} interval(s) without a deviation {when} the build; {MeanEstimate.MinimumBatches} are needed.");

    private static string Explain(
        VerificationVerdict verdict, MeanRatio? ratio, IReadOnlyList<QueryVerification> queries, int judged,
        VerificationOptions options)
    {
        if (ratio is not { } known)
        {
            if (queries.Count == 0)
            {
                return "The log has no statement on this table around the build: run Update-QueryPerformanceLog regularly.";
            }

            // More executions can only come after the build.
            var nearest = queries.MaxBy(q => q.CallsBefore)!;
            return nearest.CallsBefore < MeanEstimate.MinimumCalls
                ? nearest.Missing! : $"{nearest.Missing} Run Update-QueryPerformanceLog later again.";
        }

        var change = string.Create(
            CultureInfo.InvariantCulture,
            $"time {Share(known.Log):+0.0 %;-0.0 %} ({Share(known.Lower):+0.0 %;-0.0 %} to {Share(known.Upper):+0.0 %;-0.0 %} "
                + $"at {options.Confidence:0.###} confidence)");
        var of = judged == queries.Count ? $"{judged} statement(s)" : $"{judged} of {queries.Count} statements";
        var slower = queries.Count(q => q.Verdict == VerificationVerdict.Regressed);
        return $"{verdict}: {change}, from {of}{(slower > 0 ? $", {slower} of them slower" : "")}.";
    }

    private static double? Share(double? log) => log is { } value ? Math.Exp(value) - 1 : null;

    private static bool Names(string query, string table)
    {
        var lexer = new SqlLexer(query);
        var isFolded = !table.Any(char.IsUpper);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Word ? isFolded && lexer.Text.Equals(table, StringComparison.OrdinalIgnoreCase)
                : lexer.Kind == SqlTokenKind.QuotedIdentifier
                && lexer.Text.SequenceEqual($"\"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))
            {
                return true;
            }
        }

        return false;
    }

    // A writing part may follow WITH.
    private static bool IsWrite(string query)
    {
        var lexer = new SqlLexer(query);
        var isFirst = true;
        while (lexer.Read())
        {
            if (lexer.Kind != SqlTokenKind.Word)
            {
                continue;
            }

            if (lexer.Text.Equals("insert", StringComparison.OrdinalIgnoreCase)
                || lexer.Text.Equals("update", StringComparison.OrdinalIgnoreCase)
                || lexer.Text.Equals("delete", StringComparison.OrdinalIgnoreCase)
                || lexer.Text.Equals("merge", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }

            if (isFirst && !lexer.Text.Equals("with", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            isFirst = false;
        }

        return false;
    }

    private sealed record Comparison(MeanEstimate Before, MeanEstimate After, MeanRatio? Ratio, QueryVerification Query);
}

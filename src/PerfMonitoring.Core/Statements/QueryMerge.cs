namespace PerfMonitoring.Statements;

/// <summary>The counters of one statement, as a part of its query.</summary>
/// <param name="Query">The statement and its counters.</param>
/// <param name="AllBlocks">Blocks read from and written to disk, temporary ones included.</param>
/// <param name="IsAskedFor">Whether the text matches <see cref="SlowQueryFilter.Like"/>.</param>
/// <param name="IsLeftOut">Whether the text matches <see cref="SlowQueryFilter.ExcludeLike"/>.</param>
internal sealed record CountedStatement(SlowQuery Query, long AllBlocks, bool IsAskedFor, bool IsLeftOut);

/// <summary>
/// Adds the counters of statements up to those of their queries: the server counts a statement for each role, each nesting level
/// and each length of a list separately. The filter judges the sums. It holds one text for each query, and the server holds no
/// more than pg_stat_statements.max statements.
/// </summary>
/// <param name="filter">The order, the limits, and the number of queries.</param>
internal sealed class QueryMerge(SlowQueryFilter filter)
{
    private readonly Dictionary<(uint? Database, string Hash), Sum> sums = [];

    /// <summary>Adds a statement.</summary>
    public void Add(CountedStatement statement)
    {
        var query = statement.Query;
        var key = (query.Target?.DatabaseOid, query.QueryHash);
        if (!sums.TryGetValue(key, out var sum))
        {
            sums.Add(key, sum = new Sum());
        }

        sum.Add(statement);
    }

    /// <summary>The queries within the limits of the filter, in its order.</summary>
    public IReadOnlyList<SlowQuery> Take()
    {
        var queries = sums.Values.Where(s => s is { IsAskedFor: true, IsLeftOut: false })
            .Select(s => (Query: s.ToQuery(), s.AllBlocks))
            .Where(q => q.Query.MeanTimeMs >= filter.MinimumMeanMs && q.Query.Calls >= filter.MinimumCalls)
            .ToList();
        var total = queries.Sum(q => q.Query.TotalTimeMs);
        return [.. queries
            .OrderByDescending(q => Rank(q.Query, q.AllBlocks))
            .ThenBy(q => q.Query.QueryHash, StringComparer.Ordinal).ThenBy(q => q.Query.Target?.DatabaseOid)
            .Take(filter.Top ?? int.MaxValue)
            .Select(q => q.Query with { TimeShare = total > 0 ? q.Query.TotalTimeMs / total : null })];
    }

    private double Rank(SlowQuery query, long allBlocks) => filter.OrderBy switch
    {
        SlowQueryOrder.Mean => query.MeanTimeMs,
        SlowQueryOrder.Max => query.MaxTimeMs ?? 0,
        SlowQueryOrder.Calls => query.Calls,
        SlowQueryOrder.Rows => query.Rows,
        SlowQueryOrder.IO => allBlocks,
        _ => query.TotalTimeMs,
    };

    private sealed class Sum
    {
        private readonly Dictionary<string, double> users = new(StringComparer.Ordinal);
        private SlowQuery? largest;
        private double largestTime;
        private double squares;
        private int statements;
        private SlowQuery sum = null!;

        public long AllBlocks { get; private set; }

        public bool IsAskedFor { get; private set; }

        public bool IsLeftOut { get; private set; }

        public void Add(CountedStatement statement)
        {
            var query = statement.Query;
            statements++;
            AllBlocks += statement.AllBlocks;
            IsAskedFor |= statement.IsAskedFor;
            IsLeftOut |= statement.IsLeftOut;
            squares += query.Calls * (Math.Pow(query.MeanTimeMs, 2) + Math.Pow(query.StddevTimeMs ?? 0, 2));
            if (query.UserName is { } user)
            {
                users[user] = users.GetValueOrDefault(user) + query.TotalTimeMs;
            }

            if (largest is null || query.TotalTimeMs > largestTime
                || (query.TotalTimeMs == largestTime && query.QueryId < largest.QueryId))
            {
                (largest, largestTime) = (query, query.TotalTimeMs);
            }

            sum = sum is null ? query : sum with
            {
                QueryId = sum.QueryId == query.QueryId ? sum.QueryId : null,
                Calls = sum.Calls + query.Calls,
                TotalTimeMs = sum.TotalTimeMs + query.TotalTimeMs,
                MinTimeMs = Math.Min(sum.MinTimeMs ?? double.MaxValue, query.MinTimeMs ?? double.MaxValue),
                MaxTimeMs = Math.Max(sum.MaxTimeMs ?? 0, query.MaxTimeMs ?? 0),
                Rows = sum.Rows + query.Rows,
                SharedBlocksHit = sum.SharedBlocksHit + query.SharedBlocksHit,
                SharedBlocksRead = sum.SharedBlocksRead + query.SharedBlocksRead,
                TempBlocksWritten = sum.TempBlocksWritten + query.TempBlocksWritten,
                BlockTimeMs = sum.BlockTimeMs + query.BlockTimeMs,
                TopLevel = sum.TopLevel == query.TopLevel ? sum.TopLevel : null,
                UserName = sum.UserName == query.UserName ? sum.UserName : null,
                Since = query.Since < sum.Since ? query.Since : sum.Since,
                Until = query.Until > sum.Until ? query.Until : sum.Until,
            };
        }

        public SlowQuery ToQuery()
        {
            if (statements == 1)
            {
                return sum;
            }

            var mean = sum.TotalTimeMs / sum.Calls;
            return sum with
            {
                Query = largest!.Query,
                MeanTimeMs = mean,
                StddevTimeMs = Math.Sqrt(Math.Max(0, (squares / sum.Calls) - (mean * mean))),
                UserNames = [.. users.OrderByDescending(u => u.Value).ThenBy(u => u.Key, StringComparer.Ordinal)
                    .Select(u => u.Key)],
            };
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// Measures the quality of advice. The advisor's sets under several budgets, and the sets of other advisors, are each built on a
/// copy of the database. They are judged by the size on disk, the planner's cost of the workload and the run time of its
/// statements.
/// </summary>
internal static class AdvisorQuality
{
    /// <summary>
    /// The variable that names the folder with other advisors' advice: *.json with peer, variant, budget_mb, whatif_calls,
    /// seconds, indexes (statements).
    /// </summary>
    public const string PeersVariable = "PERFMONITORING_ADVICE_OF_PEERS";

    public const string Usage =
        """
        advisor --connection <string of a database that no one else uses, with HypoPG> --queries <folder of *.sql> [--skip q02,q17]
                [--budgets 250,500,1000 (MB)] [--runs 3 (0: no times)] [--limit 120 (s, each statement)] [--title <text>] [--svg <file>]
                Advice of others: a folder in PERFMONITORING_ADVICE_OF_PEERS.
        """;

    internal const double Megabyte = 1e6;

    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> options)
    {
        var source = new NpgsqlConnectionStringBuilder(options["connection"]) { Pooling = false, CommandTimeout = 0 };
        var statements = Statements(options);
        var runs = int.Parse(options.GetValueOrDefault("runs", "3"), CultureInfo.InvariantCulture);
        var limit = double.Parse(options.GetValueOrDefault("limit", "120"), CultureInfo.InvariantCulture);

        var sets = new List<AdvisedSet> { new("no index", false, null, null, null, []) };
        foreach (var budget in Budgets(options))
        {
            sets.Add(await AdviseAsync(source.ConnectionString, statements, budget));
        }

        sets.AddRange(Peers());
        var copy = source.Database + "_advisor_benchmark";
        var server = new NpgsqlConnectionStringBuilder(source.ConnectionString) { Database = "postgres" }.ConnectionString;
        await ExecuteAsync(
            server, $"drop database if exists {Identifier.Quote(copy)}",
            $"create database {Identifier.Quote(copy)} template {Identifier.Quote(source.Database!)}");
        try
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(source.ConnectionString) { Database = copy }.ConnectionString);
            await connection.OpenAsync();
            var built = await BuildAsync(connection, sets.SelectMany(s => s.Indexes));
            foreach (var set in sets.Where(s => s.IsOurs))
            {
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture, $"{set.BudgetMegabytes} MB: each index, with MB on disk (and estimated)"));
                foreach (var (index, estimate) in set.Indexes.Zip(set.Estimates))
                {
                    Console.WriteLine(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{built[index].Bytes / Megabyte,8:F1} ({estimate / Megabyte:F1}) {index}"));
                }
            }

            Console.WriteLine();
            Console.WriteLine(
                "| advice | asked, MB | indexes | on disk, MB | cost | time, s | slower by over 10 % | what-if calls | "
                    + "seconds to advise |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|---|---:|---:|");
            var judged = new List<JudgedSet>();
            foreach (var set in sets)
            {
                judged.Add(await JudgeAsync(connection, built, set, statements, runs, limit));
                Console.WriteLine(Row(judged[^1], judged[0]));
            }

            if (options.TryGetValue("svg", out var file))
            {
                await File.WriteAllTextAsync(file, Draw(options.GetValueOrDefault("title", source.Database!), judged));
            }

            var ours = judged.Where(j => j.Set.IsOurs).ToList();
            return ours.TrueForAll(o => o.Bytes <= o.Set.BudgetMegabytes * Megabyte * 1.02) ? 0 : 1;
        }
        finally
        {
            await ExecuteAsync(server, $"drop database {Identifier.Quote(copy)} with (force)");
        }
    }

    /// <summary>The statements of the files in a folder, without those to skip.</summary>
    internal static List<Statement> Statements(IReadOnlyDictionary<string, string> options)
    {
        var skip = options.GetValueOrDefault("skip", "").Split(',');
        return [.. Directory.EnumerateFiles(options["queries"], "*.sql").Order(StringComparer.Ordinal)
            .Where(f => !skip.Contains(Path.GetFileNameWithoutExtension(f)))
            .SelectMany(
                f => QueryText.Split(File.ReadAllText(f))
                .Select(text => new Statement(Path.GetFileNameWithoutExtension(f), text)))];
    }

    /// <summary>The budgets in megabytes.</summary>
    internal static IEnumerable<double> Budgets(IReadOnlyDictionary<string, string> options) =>
        options.GetValueOrDefault("budgets", "250,500,1000").Split(',')
            .Select(b => double.Parse(b, CultureInfo.InvariantCulture));

    /// <summary>A workload in which each statement counts once.</summary>
    internal static List<WorkloadStatement> Workload(IEnumerable<Statement> statements) =>
    [
        .. statements.Select(s => QueryText.Normalize(s.Text) is var pattern
            ? new WorkloadStatement(s.Text, QueryText.Hash(pattern), QueryText.Shorten(pattern), 1, null) : null!),
    ];

    private static async Task<AdvisedSet> AdviseAsync(string connectionString, List<Statement> statements, double budget)
    {
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = connectionString }, null, null, CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var advice = await new IndexAdvisor(
            connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
            .AdviseAsync(
                Workload(statements), new AdvisorOptions { StorageBudget = (long)(budget * Megabyte) }, null,
                CancellationToken.None);
        var seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{budget} MB: {advice.Strategies.Sum(s => s.SizeBytes) / Megabyte:F0} MB and cost "
                + $"{advice.CostAfter / advice.CostBefore:F3} promised, {advice.Skipped.Count} statements left out"));
        return new AdvisedSet(
            "PerfMonitoring", true, budget, advice.Calls, seconds,
            [.. advice.Strategies.Select(s => s.Definition.ToAnonymousStatement())])
        {
            Estimates = [.. advice.Strategies.Select(s => s.SizeBytes)],
        };
    }

    private static IEnumerable<AdvisedSet> Peers()
    {
        if (Environment.GetEnvironmentVariable(PeersVariable) is not { Length: > 0 } folder || !Directory.Exists(folder))
        {
            Console.WriteLine($"Other advisors are left out: {PeersVariable} names no folder with their advice.");
            yield break;
        }

        foreach (var file in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var root = json.RootElement;
            string? Text(string name) => root.TryGetProperty(name, out var value) ? value.ToString() : null;
            double? Number(string name) =>
                double.TryParse(Text(name), CultureInfo.InvariantCulture, out var number) ? number : null;
            yield return new AdvisedSet(
                $"{Text("peer")} {Text("variant")}", false, Number("budget_mb"), Number("whatif_calls"), Number("seconds"),
                [.. root.GetProperty("indexes").EnumerateArray().Select(i => i.GetString()!)]);
        }
    }

    // Builds each index of any set once. A set is judged in a transaction that has dropped the indexes of the others.
    private static async Task<Dictionary<string, BuiltIndex>> BuildAsync(
        NpgsqlConnection connection, IEnumerable<string> statements)
    {
        var built = new Dictionary<string, BuiltIndex>();
        foreach (var statement in statements.Distinct())
        {
            var known = await ReadAsync<uint>(connection, UserIndexes);
            await ExecuteAsync(connection, statement);
            // The statement of another advisor may not name its index; the server then chooses the name.
            var index = (await ReadAsync<uint>(connection, UserIndexes)).Except(known).Single();
            built.Add(statement, new BuiltIndex(
                (await ReadAsync<string>(connection, $"select {index}::regclass::text"))[0],
                (await ReadAsync<long>(connection, $"select pg_catalog.pg_relation_size({index})"))[0]));
        }

        // The planner knows the values of an expression only after ANALYZE. It runs once for all sets, so that all have the same
        // statistics.
        foreach (var table in await ReadAsync<string>(connection, TablesWithExpressions))
        {
            await ExecuteAsync(connection, $"analyze {table}");
        }

        await ExecuteAsync(connection, "checkpoint");
        return built;
    }

    private static async Task<JudgedSet> JudgeAsync(
        NpgsqlConnection connection, Dictionary<string, BuiltIndex> built, AdvisedSet set, List<Statement> statements, int runs,
        double limit)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var other in built.Where(b => !set.Indexes.Contains(b.Key)))
        {
            await ExecuteAsync(connection, $"drop index {other.Value.Name}");
        }

        await ExecuteAsync(
            connection, string.Create(CultureInfo.InvariantCulture, $"set local statement_timeout = {limit * 1000:F0}"));
        var cost = 0.0;
        var seconds = new List<double?>();
        foreach (var statement in statements)
        {
            cost += await CostAsync(connection, statement.Text);
            seconds.Add(runs == 0 ? null : await TimeAsync(transaction, statement, runs, limit));
        }

        await transaction.RollbackAsync();
        return new JudgedSet(set, set.Indexes.Sum(i => built[i].Bytes), cost, statements, seconds);
    }

    private static async Task<double> CostAsync(NpgsqlConnection connection, string statement)
    {
        var json = (await ReadAsync<string>(connection, "explain (format json) " + statement))[0];
        using var plan = JsonDocument.Parse(json);
        return plan.RootElement[0].GetProperty("Plan").GetProperty("Total Cost").GetDouble();
    }

    // The median time; writes are rolled back. A first run, which fills the cache, is not counted. A run that reaches the limit
    // counts as the limit.
    private static async Task<double> TimeAsync(NpgsqlTransaction transaction, Statement statement, int runs, double limit)
    {
        var times = new List<double>();
        for (var run = 0; run <= runs; run++)
        {
            await transaction.SaveAsync("run");
            var clock = Stopwatch.StartNew();
            try
            {
                await ExecuteAsync(transaction.Connection!, statement.Text);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.QueryCanceled)
            {
                await transaction.RollbackAsync("run");
                return limit;
            }
            catch (PostgresException e)
            {
                throw new InvalidOperationException(
                    $"{statement.Name} cannot be run: {e.MessageText}; --skip {statement.Name} leaves it out.", e);
            }

            if (run > 0)
            {
                times.Add(clock.Elapsed.TotalSeconds);
            }

            await transaction.RollbackAsync("run");
        }

        return times.Order().ElementAt(times.Count / 2);
    }

    private static string Row(JudgedSet set, JudgedSet none)
    {
        var slower = set.Seconds.Select((s, i) => (Name: set.Statements[i].Name, Before: none.Seconds[i], After: s))
            .Where(s => s.After > s.Before * 1.1 && s.After - s.Before > 0.02).OrderByDescending(s => s.After - s.Before)
            .Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Name} {s.Before:F2} -> {s.After:F2}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {set.Set.Name} | {set.Set.BudgetMegabytes} | {set.Set.Indexes.Count} | {set.Bytes / Megabyte:F0} | "
                + $"{set.Cost / none.Cost:F3} | {(set.Seconds.Contains(null) ? null : set.Seconds.Sum()):F1} | "
                + $"{string.Join(", ", slower)} | {set.Set.Calls:N0} | {set.Set.Seconds:F1} |");
    }

    // One line per advisor; sets that were advised without a budget are points.
    private static string Draw(string title, List<JudgedSet> judged) =>
        new Chart(
            $"{title}: planner's cost on the built indexes, relative to none",
            new Axis("size of the built indexes on disk, MB", From: 0), new Axis("cost", Format: "0.##"))
            .Draw([.. judged.Skip(1).GroupBy(j => j.Set.Name).Select(g => new Series(
                g.Key, [.. g.Select(j => (X: j.Bytes / Megabyte, Y: j.Cost / judged[0].Cost)).OrderBy(p => p.X)],
                g.First().Set.IsOurs))]);

    private const string UserIndexes =
        """
        select i.indexrelid
        from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        """;

    private const string TablesWithExpressions =
        """
        select distinct i.indrelid::regclass::text
        from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and i.indexprs is not null
        """;

    private static async Task<List<T>> ReadAsync<T>(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetFieldValue<T>(0));
        }

        return rows;
    }

    private static async Task ExecuteAsync(string connectionString, params string[] statements)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        foreach (var statement in statements)
        {
            await ExecuteAsync(connection, statement);
        }
    }

    // Every row is fetched, as an application would do it.
    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection) {
            CommandTimeout = 0, AllResultTypesAreUnknown = true };
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
        }
    }

    internal sealed record Statement(string Name, string Text);

    private sealed record AdvisedSet(
        string Name, bool IsOurs, double? BudgetMegabytes, double? Calls, double? Seconds, IReadOnlyList<string> Indexes)
    {
        // For our indexes, in their order: bytes on disk according to the advice.
        public IReadOnlyList<long?> Estimates { get; init; } = [];
    }

    private sealed record BuiltIndex(string Name, long Bytes);

    private sealed record JudgedSet(AdvisedSet Set, long Bytes, double Cost, List<Statement> Statements, List<double?> Seconds);
}

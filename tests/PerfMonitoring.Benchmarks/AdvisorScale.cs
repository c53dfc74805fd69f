using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// Time and what-if calls of the advice for 10 to 10,000 distinct statements on forty tables, and for ten thousand texts of a
/// hundred statements.
/// </summary>
internal static class AdvisorScale
{
    public const string Usage =
        """
        advisor-scale [--connection <string of a database on a server with HypoPG; else a server of its own>] [--counts 10,100,1000,10000]
                      [--limit 600 (s, each count)] [--svg <file>]
        """;

    private const int Tables = 40;
    private const int RowsOfTable = 20_000;

    // The most that the time may grow, relative to the growth of the statements, to count as linear; sorting and the size of the
    // set add a logarithm.
    private const double MostTimesLinear = 1.5;

    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> options)
    {
        var counts = options.GetValueOrDefault("counts", "10,100,1000,10000").Split(',')
            .Select(c => int.Parse(c, CultureInfo.InvariantCulture)).ToList();
        var limit = TimeSpan.FromSeconds(double.Parse(options.GetValueOrDefault("limit", "600"), CultureInfo.InvariantCulture));
        await using var cluster = options.ContainsKey("connection")
            ? null : await PostgresCluster.StartAsync(new ClusterOptions(), CancellationToken.None);
        var server = options.GetValueOrDefault("connection") ?? cluster!.ConnectionString("postgres");
        const string Database = "advisor_scale_benchmark";
        await ExecuteAsync(server, $"drop database if exists {Database} with (force)");
        await ExecuteAsync(server, $"create database {Database}");
        var connectionString = new NpgsqlConnectionStringBuilder(server) { Database = Database }.ConnectionString;
        try
        {
            await ExecuteAsync(connectionString, Schema());
            await ExecuteAsync(connectionString, "vacuum analyze");
            await AdviseAsync(connectionString, Statements(counts[0]), limit); // Compiles the code and fills the caches.
            Console.WriteLine(
                "| statements | distinct | what-if calls | a statement | indexes | time, s | ms a statement | times linear |");
            Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|");
            var points = new List<(double X, double Y)>();
            var good = true;
            foreach (var count in counts)
            {
                good &= Report(
                    count, await AdviseAsync(connectionString, Statements(count), limit), points) is not > MostTimesLinear;
            }

            Report(10_000,
                await AdviseAsync(connectionString, [.. Enumerable.Range(0, 100).SelectMany(_ => Statements(100))], limit), null);
            if (options.TryGetValue("svg", out var file) && points.Count > 0)
            {
                await File.WriteAllTextAsync(file, Draw(points));
            }

            return good ? 0 : 1;
        }
        finally
        {
            await ExecuteAsync(server, $"drop database {Database} with (force)");
        }
    }

    // Writes a row of the table; returns the growth of the time relative to that of the statements since the row before, or null.
    private static double? Report(
        int statements, (IndexAdvice Advice, double Seconds)? result, List<(double X, double Y)>? points)
    {
        if (result is not var (advice, seconds))
        {
            Console.WriteLine($"| {statements:N0} | | | | | not within the limit | | |");
            return double.PositiveInfinity;
        }

        double? growth = points is [.., var last] ? seconds / last.Y / (statements / last.X) : null;
        points?.Add((statements, seconds));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {statements:N0} | {advice.Statements:N0} | {advice.Calls:N0} | {(double)advice.Calls / advice.Statements:F1} "
                + $"| {advice.Strategies.Count} | {seconds:F1} | {1000 * seconds / statements:F1} | {growth:F2} |"));
        return growth;
    }

    private static async Task<(IndexAdvice Advice, double Seconds)?> AdviseAsync(
        string connectionString, IReadOnlyList<string> statements, TimeSpan limit)
    {
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = connectionString }, null, null, CancellationToken.None);
        using var giveUp = new CancellationTokenSource(limit);
        var clock = Stopwatch.StartNew();
        try
        {
            var workload = new List<WorkloadStatement>();
            foreach (var statement in statements)
            {
                var pattern = QueryText.Normalize(statement);
                workload.Add(new WorkloadStatement(statement, QueryText.Hash(pattern), QueryText.Shorten(pattern), 1, null));
            }

            var advice = await new IndexAdvisor(
                connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
                .AdviseAsync(workload, new AdvisorOptions { StorageBudget = 20_000_000 }, null, giveUp.Token);
            return advice.Skipped is [var skipped, ..]
                ? throw new InvalidOperationException(skipped.Reason) : (advice, clock.Elapsed.TotalSeconds);
        }
        catch (Exception e) when (giveUp.IsCancellationRequested && e is OperationCanceledException or PerfMonitoringException)
        {
            return null;
        }
    }

    // Forty tables of the same shape: a key, a reference to the next table, columns of few, some and many values, a time and a
    // text.
    private static string Schema()
    {
        var sql = new StringBuilder("create extension hypopg; select setseed(0.5);");
        for (var t = 0; t < Tables; t++)
        {
            sql.Append(CultureInfo.InvariantCulture, $"""
                create table t{t} as
                select i as id, (1 + floor({RowsOfTable} * power(random(), 2)))::int as ref, (random() * 4)::int as few, (random() * 50)::int as dozens, (random() * 400)::int as several,
                    (random() * 5000)::int as many, (random() * {RowsOfTable})::int as most, timestamptz '2024-01-01' + i * interval '1 hour' as at, md5(i::text) as text
                from generate_series(1, {RowsOfTable}) i;
                alter table t{t} add primary key (id);

                """);
        }

        return sql.ToString();
    }

    // Different statements of a few everyday shapes; the same ones in each run.
    private static List<string> Statements(int count)
    {
        var random = new Random(1);
        string[] columns = ["ref", "few", "dozens", "several", "many", "most"];
        var statements = new Dictionary<string, string>();
        while (statements.Count < count)
        {
            var (t, u) = (random.Next(Tables), random.Next(Tables));
            string[] c = [.. columns.OrderBy(_ => random.Next())];
            var statement = random.Next(7) switch
            {
                0 => $"select id, {c[0]}, {c[1]} from t{t} where {c[2]} = {random.Next(50)}",
                1 => $"select {c[0]}, text from t{t} where {c[1]} = {random.Next(50)} and {c[2]} = {random.Next(4)}",
                2 => $"select id, {c[0]} from t{t} where {c[1]} = {random.Next(50)} and at > '2026-01-01' order by {c[2]} "
                    + $"limit 20",
                3 => $"select {c[0]}, count(*), max({c[1]}) from t{t} where {c[2]} between 10 and 12 group by {c[0]}",
                4 => $"select a.id, b.{c[0]} from t{t} a join t{u} b on b.ref = a.id where a.{c[1]} = {random.Next(50)} and "
                    + $"b.{c[2]} < 20",
                5 => $"select a.{c[0]}, b.{c[1]} from t{t} a join t{u} b on b.id = a.ref where a.{c[2]} = {random.Next(50)} "
                    + $"order by a.at desc limit 50",
                _ => $"select b.{c[0]}, sum(a.{c[1]}) from t{t} a join t{u} b on b.{c[2]} = a.{c[2]} where a.{c[3]} = 7 and "
                    + $"b.{c[4]} in (1, 2, 3) group by 1",
            };
            statements.TryAdd(QueryText.Normalize(statement), statement);
        }

        return [.. statements.Values];
    }

    private static string Draw(List<(double X, double Y)> points)
    {
        var first = points[0];
        return new Chart(
            "Time to advise", new Axis("distinct statements", IsLogarithmic: true, Format: "#,0"),
            new Axis("seconds", IsLogarithmic: true, Format: "#,0.###"))
            .Draw([
                new Series("PerfMonitoring", points, true),
                new Series("linear", [.. points.Select(p => (p.X, first.Y * p.X / first.X))], false)]);
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }
}

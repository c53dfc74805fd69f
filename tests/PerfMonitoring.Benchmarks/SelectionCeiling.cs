using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Postgres;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// How far the sets of the index selection are from the best ones: under several budgets, the advisor's set beside the exact
/// optimum over the cost tables that its own run filled. The search asks the planner while it goes, so the tables grow under it:
/// all sets are judged by the tables of its end, and the search is run once more over these, from nothing.
/// </summary>
internal static class SelectionCeiling
{
    public const string Usage =
        """
        ceiling --connection <string of a database with HypoPG> --queries <folder of *.sql> [--skip q02,q17] [--budgets 250,500,1000 (MB)]
                [--limit 300 (s, the solver, each budget)] [--solver SCIP|HIGHS|CBC] [--rivals no (indexes that do each other's work may stand
                side by side, which the search never tries)] [--sets yes (names what is chosen)]
        """;

    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> options)
    {
        var workload = AdvisorQuality.Workload(AdvisorQuality.Statements(options));
        var limit = TimeSpan.FromSeconds(double.Parse(options.GetValueOrDefault("limit", "300"), CultureInfo.InvariantCulture));
        var withRivals = options.GetValueOrDefault("rivals", "yes") != "no";
        var connectionString = new NpgsqlConnectionStringBuilder(options["connection"]) {
            Pooling = false, CommandTimeout = 0 }.ConnectionString;
        Console.WriteLine(
            "| budget, MB | statements | candidates | plans | cost before | advisor's set | search again | optimum "
                + "| gap of the set, % | gap of the search, % | advice, s | search, s | solver, s | rows added | proved |");
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        var isSound = true;
        var sets = new List<string>();
        foreach (var budget in AdvisorQuality.Budgets(options))
        {
            var limits = new AdvisorOptions { StorageBudget = (long)(budget * AdvisorQuality.Megabyte) };
            var (search, found, seconds) = await AdviseAsync(connectionString, workload, limits);
            var selection = search.NewSelection();
            List<int> advised = [.. found.Chosen.Select(c => c.Id)];

            var clock = Stopwatch.StartNew();
            var again = selection.Select([], true, CancellationToken.None);
            var searched = clock.Elapsed.TotalSeconds;

            clock.Restart();
            using var program = new SelectionProgram(
                selection, limits, search.Refused.ContainsKey, withRivals, options.GetValueOrDefault("solver"));
            var optimum = program.Solve(advised, limit);
            var solved = clock.Elapsed.TotalSeconds;

            var (before, score, scoreAgain) = (selection.ScoreOf([]), selection.ScoreOf(advised), selection.ScoreOf(again));
            var isProved = optimum.Bound >= optimum.Score * (1 - 1e-5);
            // Nothing may be better than what is proved to be best: else the program is not the search's problem.
            isSound &= Math.Min(score, scoreAgain) >= optimum.Bound * (1 - 1e-5);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {budget} | {selection.Tables.Count} | {selection.Candidates.Count} | {selection.Plans.Count} "
                    + $"| {before:F0} | {score:F0} | {scoreAgain:F0} | {optimum.Score:F0} "
                    + $"| {Gap(score, optimum.Score):F3} | {Gap(scoreAgain, optimum.Score):F3} "
                    + $"| {seconds:F1} | {searched:F2} | {solved:F2} | {program.Added} "
                    + $"| {(isProved ? "yes" : $"no, within {Gap(optimum.Score, optimum.Bound):F2} %")} |"));
            sets.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{budget} MB: {program.Engine}, {program.Size.Variables} variables, {program.Size.Rows} rows"));
            sets.AddRange(Compare(selection, ("advisor's set", advised), ("search again", again), ("optimum", optimum.Set)));
        }

        if (options.ContainsKey("sets"))
        {
            Console.WriteLine();
            sets.ForEach(Console.WriteLine);
        }

        return isSound ? 0 : 1;
    }

    private static double Gap(double score, double optimum) => 100 * ((score / optimum) - 1);

    private static async Task<(IndexSearch Search, SelectedSet Set, double Seconds)> AdviseAsync(
        string connectionString, IReadOnlyList<WorkloadStatement> workload, AdvisorOptions limits)
    {
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = connectionString }, null, null, CancellationToken.None);
        (IndexSearch, SelectedSet)? found = null;
        var clock = Stopwatch.StartNew();
        await new IndexAdvisor(
            connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
        {
            Found = (search, set) => found = (search, set),
        }.AdviseAsync(workload, limits, null, CancellationToken.None);
        return (found!.Value.Item1, found.Value.Item2, clock.Elapsed.TotalSeconds);
    }

    // Each index of any of the sets, with the sets that have it.
    private static IEnumerable<string> Compare(
        IndexSelection selection, params (string Name, IReadOnlyList<int> Ids)[] sets)
    {
        return sets.SelectMany(s => s.Ids).Distinct().Select(id => selection.Candidates[id])
            .OrderBy(c => c.ToString(), StringComparer.Ordinal)
            .Select(c => Line([c], $"{c} ({string.Join(", ", sets.Where(s => s.Ids.Contains(c.Id)).Select(s => s.Name))})"))
            .Concat(sets.Select(s => Line(s.Ids.Select(id => selection.Candidates[id]), $"in all: {s.Name}")));

        static string Line(IEnumerable<Candidate> indexes, string text) => string.Create(
            CultureInfo.InvariantCulture, $"{indexes.Sum(c => c.SizeBytes) / AdvisorQuality.Megabyte,8:F1} {text}");
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;
using PerfMonitoring.Advisor;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Catalog;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Queries;

namespace PerfMonitoring.Postgres.Advisor;

/// <summary>
/// Hypothetical indexes on one pinned connection. They live in the memory of its backend only, no transaction takes them back, and they
/// are gone at the end, whatever ended it. Those of a request stay for the next one, so that one batch carries what differs and EXPLAIN.
/// </summary>
internal sealed partial class HypoPg : IWhatIf
{
    private readonly Database target;
    private readonly NpgsqlConnection connection;
    private readonly string schema;

    // What the backend has, by candidate; each part by its handle. Unsure after a failure that left it open what was done.
    private readonly Dictionary<int, uint[]> installed = [];
    private readonly Dictionary<int, string> refused = [];
    private bool isSure = true;

    private HypoPg(Database target, NpgsqlConnection connection, string schema)
    {
        this.target = target;
        this.connection = connection;
        this.schema = schema;
    }

    /// <summary>Null where the extension is not in the database.</summary>
    public static async Task<HypoPg?> TryOpenAsync(Database target, TimeSpan statementTimeout, CancellationToken cancellationToken)
    {
        var schema = await target.QuerySingleOrDefaultAsync<string>(
            Sql.Get(typeof(CatalogRepository), "GetHypoPgSchema", target.Target.ServerVersionNumber), null, cancellationToken);
        if (schema is null)
        {
            return null;
        }

        var session = new HypoPg(target, await target.ConnectAsync(cancellationToken), schema);
        try
        {
            // Real object identifiers would be taken from the catalog's counter; hypothetical ones need none.
            await session.RunAsync(
                [
                    $"set statement_timeout = {(long)statementTimeout.TotalMilliseconds}",
                    "set plan_cache_mode = force_generic_plan",
                    "set standard_conforming_strings = on",
                    session.Reset,
                    "set hypopg.use_real_oids = off",
                    // Planning may call functions of the user's to fold constants: they shall not write.
                    "set default_transaction_read_only = on",
                ],
                cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private string Reset => $"select {Sql.Marker} {Identifier.Quote(schema)}.hypopg_reset()";

    /// <summary>Makes one hypothetical index; tells what the server says against it, or null.</summary>
    public Task<Refusal?> TryCreateAsync(IndexDefinition definition, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var batch = new NpgsqlBatch(connection);
            AddCreate(batch, [definition]);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return Refusal.TryRead(reader.GetString(0));
        },
        cancellationToken);

    public async Task<WhatIfPlan> ExplainAsync(WhatIfRequest request, CancellationToken cancellationToken)
    {
        var parameters = 0;
        var text = request.Statement.Arguments is null
            ? PlannableText.TryMake(request.Statement.Text, out parameters) ?? throw PlanRepository.NotPlannable()
            : request.Statement.Text;
        try
        {
            string? plan;
            do
            {
                plan = await AskAsync(request, text, parameters, cancellationToken);
            }
            while (plan is null);

            return Read(plan, request);
        }
        catch (PostgresException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw PlanRepository.NotPlanned(e, target.Target);
        }
        catch (Exception e) when (Failures.TryTranslate(e, target.Target.ToString(), cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Given back to the pool the backend would keep its hypothetical indexes: DISCARD ALL does not know of them.
        try
        {
            await RunAsync([Reset], CancellationToken.None);
        }
        catch (Exception e) when (e is PerfMonitoringException or InvalidOperationException)
        {
            // The backend cannot be asked any more; it ends with its connection, and so does what it remembers.
            NpgsqlConnection.ClearPool(connection);
        }

        await connection.DisposeAsync();
    }

    // One round trip: takes away what is too much, makes what is missing, and explains. Null where a candidate was made in part only: then
    // it has to go, and the plan is not the one that was asked for.
    private async Task<string?> AskAsync(WhatIfRequest request, string text, int parameters, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        var changes = 0;
        if (!isSure)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Reset));
            installed.Clear();
            changes++;
        }

        var wanted = request.Indexes.Where(c => !refused.ContainsKey(c.Id)).Distinct().ToDictionary(c => c.Id);
        var idle = installed.Where(i => !wanted.ContainsKey(i.Key)).ToList();
        if (idle.Count > 0)
        {
            batch.BatchCommands.Add(Drop(idle.SelectMany(i => i.Value)));
            changes++;
        }

        var missing = wanted.Values.Where(c => !installed.ContainsKey(c.Id)).ToList();
        if (missing.Count > 0)
        {
            AddCreate(batch, missing.SelectMany(c => c.Parts));
            changes += 2;
        }

        AddExplain(batch, request, text, parameters);
        isSure = changes == 0;
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        for (var i = 1; i < changes; i++)
        {
            await reader.NextResultAsync(cancellationToken);
        }

        var isWhole = true;
        idle.ForEach(i => installed.Remove(i.Key));
        foreach (var candidate in missing)
        {
            isWhole &= await ReadHandlesAsync(reader, candidate, cancellationToken);
        }

        isSure = true;
        string? plan = null;
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                plan = reader.GetValue(0) as string;
            }
        }
        while (await reader.NextResultAsync(cancellationToken));

        return isWhole ? plan : null;
    }

    // False where only a part of it was made.
    private async Task<bool> ReadHandlesAsync(NpgsqlDataReader reader, Candidate candidate, CancellationToken cancellationToken)
    {
        var handles = new List<uint>();
        foreach (var _ in candidate.Parts)
        {
            await reader.ReadAsync(cancellationToken);
            var result = reader.GetString(0);
            if (Refusal.TryRead(result) is not { } refusal)
            {
                handles.Add(uint.Parse(result, NumberStyles.None, CultureInfo.InvariantCulture));
            }
            else if (refusal.IsAboutTheIndex)
            {
                refused[candidate.Id] = refusal.Reason;
            }
            else
            {
                throw new PerfMonitoringException(
                    "HypotheticalIndexFailed", FailureKind.ServerError, $"{target.Target} made no hypothetical index: {refusal.Reason}.",
                    "Try again when the server is less busy.", target.Target);
            }
        }

        if (handles.Count > 0)
        {
            installed[candidate.Id] = [.. handles];
        }

        return handles.Count == 0 || handles.Count == candidate.Parts.Count;
    }

    // All of a batch is one transaction, so that what is set for the transaction is over with it, even after an error.
    private void AddExplain(NpgsqlBatch batch, WhatIfRequest request, string text, int parameters)
    {
        if (request.WithoutNestedLoops)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(WhatIfSql("AvoidNestedLoops")));
        }

        if (parameters == 0)
        {
            // A command of a batch is one statement to the server, whatever the text says. Arguments go the protocol's way: the server
            // infers their types from the statement and plans for their values.
            var explain = new NpgsqlBatchCommand($"explain (format json, verbose {(request.Verbose ? "on" : "off")}) {text}");
            foreach (var argument in request.Statement.Arguments ?? [])
            {
                explain.Parameters.Add(new NpgsqlParameter { Value = (object?)argument ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Unknown });
            }

            batch.BatchCommands.Add(explain);
        }
        else
        {
            // Prepared anew each time: a plan that is kept does not notice hypothetical indexes that come and go.
            var prepare = new NpgsqlBatchCommand(PlanSql("PrepareExplain"));
            prepare.Parameters.Add(new NpgsqlParameter("Statement", text));
            prepare.Parameters.Add(new NpgsqlParameter("Arguments", PlanRepository.Nulls(parameters)));
            prepare.Parameters.Add(new NpgsqlParameter("Verbose", request.Verbose));
            batch.BatchCommands.Add(prepare);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanSql("Explain")));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanSql("GetPlan")));
        }
    }

    private WhatIfPlan Read(string json, WhatIfRequest request)
    {
        PlanNode plan;
        try
        {
            plan = PlanNode.Parse(json);
        }
        catch (JsonException e)
        {
            // A rule can make a utility statement of an INSERT, UPDATE or DELETE.
            throw new PerfMonitoringException(
                "NotPlannable", FailureKind.InvalidArgument, "The statement has no plan: the server makes a utility statement of it.", null, target.Target, e);
        }

        var byHandle = installed.SelectMany(i => i.Value.Select(handle => (handle, i.Key))).ToDictionary();
        var candidates = new Dictionary<string, int>();
        foreach (var name in plan.All().Select(n => n.IndexName).OfType<string>())
        {
            // The rest of the name is cut at 63 bytes.
            if (Handle().Match(name) is { Success: true } match
                && byHandle.TryGetValue(uint.Parse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture), out var id))
            {
                candidates[name] = id;
            }
        }

        return new WhatIfPlan(plan, candidates, request.Indexes.Select(c => c.Id).Distinct().Where(refused.ContainsKey).ToDictionary(id => id, id => refused[id]));
    }

    private void AddCreate(NpgsqlBatch batch, IEnumerable<IndexDefinition> definitions)
    {
        var prepare = new NpgsqlBatchCommand(WhatIfSql("PrepareIndexes"));
        prepare.Parameters.Add(new NpgsqlParameter("Definitions", definitions.Select(d => d.ToAnonymousStatement()).ToArray()));
        prepare.Parameters.Add(new NpgsqlParameter("Schema", schema));
        batch.BatchCommands.Add(prepare);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(WhatIfSql("CreateIndexes")));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(WhatIfSql("GetIndexes")));
    }

    private NpgsqlBatchCommand Drop(IEnumerable<uint> handles) => new($"select {Sql.Marker} {Identifier.Quote(schema)}.hypopg_drop_index(h) from pg_catalog.unnest($1) h")
    {
        Parameters = { new NpgsqlParameter { Value = handles.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
    };

    private string WhatIfSql(string name) => Sql.Get(typeof(HypoPg), name, target.Target.ServerVersionNumber);

    private string PlanSql(string name) => Sql.Get(typeof(PlanRepository), name, target.Target.ServerVersionNumber);

    private Task<bool> RunAsync(IEnumerable<string> statements, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in statements)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            return true;
        },
        cancellationToken);

    [GeneratedRegex(@"^<(\d+)>")]
    private static partial Regex Handle();

    /// <summary>What the server says against an index.</summary>
    internal sealed record Refusal(string SqlState, string Text)
    {
        /// <summary>Not a timeout, a lock, a lack of memory, or a server that goes down.</summary>
        public bool IsAboutTheIndex => SqlState[..2] is not ("08" or "40" or "53" or "55" or "57" or "58");

        /// <summary>For a report: without constants. HypoPG's own texts (XX000) speak of columns and access methods.</summary>
        public string Reason =>
            $"{(SqlState == PostgresErrorCodes.InternalError || PlanRepository.IsHarmless(SqlState) ? Text : "the server refuses it")} (SQLSTATE {SqlState})";

        /// <summary>Null for a handle.</summary>
        public static Refusal? TryRead(string result) => result.IndexOf(' ', StringComparison.Ordinal) is > 0 and var at ? new Refusal(result[..at], result[(at + 1)..]) : null;
    }
}

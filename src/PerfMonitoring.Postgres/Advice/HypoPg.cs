using System.Data;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using NpgsqlTypes;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>
/// Hypothetical indexes on one pinned connection. They exist only in the memory of its backend. A rollback does not remove them;
/// they are always removed when the session ends. The indexes of a request stay for the next one, so that one batch carries the
/// difference and EXPLAIN.
/// </summary>
internal sealed partial class HypoPg : WhatIfSession
{
    private const string PlanLogging = "auto_explain.log_min_duration";

    private readonly string schema;

    // The hypothetical indexes of the backend, by candidate; each part by its handle. Uncertain after a failure that does not
    // show how much was done.
    private readonly Dictionary<int, (uint[] Handles, long SizeBytes)> installed = [];
    private bool isSure;

    private HypoPg(Database target, NpgsqlConnection connection, string schema, TimeSpan statementTimeout)
        : base(target, connection, statementTimeout) => this.schema = schema;

    public override bool IsReal => false;

    /// <summary>Returns null if the database does not have the extension.</summary>
    public static async Task<HypoPg?> TryOpenAsync(
        Database target, TimeSpan statementTimeout, CancellationToken cancellationToken)
    {
        var schema = await target.QuerySingleOrDefaultAsync<string>(
            Sql.Get("GetHypoPgSchema"), null, cancellationToken);
        if (schema is null)
        {
            return null;
        }

        var session = new HypoPg(target, await target.ConnectAsync(cancellationToken), schema, statementTimeout);
        try
        {
            await session.PrepareAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    protected override async Task PrepareAsync(CancellationToken cancellationToken)
    {
        isSure = false;
        // Real object identifiers would use up the catalog's counter; hypothetical ones do not need it.
        await RunAsync([Reset, "set hypopg.use_real_oids = off"], cancellationToken);
        foreach (var (name, value, harmless) in await GetHindrancesAsync(cancellationToken))
        {
            try
            {
                await RunAsync([$"set {name} = {harmless}"], cancellationToken);
            }
            catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.PermissionDenied)
            {
                // With any other value the others only refuse single statements, or nothing.
                if (name == PlanLogging && value == "0")
                {
                    throw PlansLogged(e);
                }
            }
        }
    }

    // What other libraries do to every plan that has hypothetical indexes, which are not in the catalog: auto_explain fails to
    // log one (it logs EXPLAIN only with a duration of 0), pg_hint_plan compares their missing names with those in hints, which
    // crashes the server, and pg_plan_filter refuses the expensive statements, which need an index most.
    private async Task<List<(string Name, string Value, string Harmless)>> GetHindrancesAsync(CancellationToken cancellationToken)
    {
        var found = new List<(string, string, string)>();
        await Target.RunAsync(
            async () =>
            {
                await using var command = new NpgsqlCommand(Sql.Get("GetHindrances"), Connection);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    found.Add((reader.GetString("name"), reader.GetString("value"), reader.GetString("harmless")));
                }

                return true;
            },
            cancellationToken);
        return found;
    }

    private PerfMonitoringException PlansLogged(Exception cause) => new(
        ErrorIds.PlansLogged, FailureKind.NotSupported,
        $"{Target.Target} logs every plan ({PlanLogging} = 0), and fails where a plan has hypothetical indexes (SQLSTATE XX000).",
        $"{Target.UserName} may not switch that off. As a superuser run: alter role {Identifier.Quote(Target.UserName)} set "
            + $"{PlanLogging} = -1; or alter system set {PlanLogging} = '1ms'; select pg_reload_conf(); then connect again.",
        Target.Target, cause);

    private string Reset => $"select {Sql.Marker} {Identifier.Quote(schema)}.hypopg_reset()";

    /// <summary>Creates one hypothetical index; returns the server's refusal, or null.</summary>
    public Task<Refusal?> TryCreateAsync(IndexDefinition definition, CancellationToken cancellationToken) => Target.RunAsync(
        async () =>
        {
            await using var batch = new NpgsqlBatch(Connection);
            AddCreate(batch, [definition]);
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return Refusal.TryRead(reader.GetString(0));
        },
        cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        // A pooled backend would keep its hypothetical indexes, because DISCARD ALL does not drop them.
        try
        {
            await RunAsync([Reset], CancellationToken.None);
        }
        catch (Exception e) when (e is PerfMonitoringException or InvalidOperationException)
        {
            // The backend does not answer. Closing its connection ends it and drops its indexes.
            NpgsqlConnection.ClearPool(Connection);
        }

        await Connection.DisposeAsync();
    }

    protected override async Task<string?> AskAsync(
        WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(Connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("begin read only"));
        var changes = 0;
        if (!isSure)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Reset));
            installed.Clear();
            changes++;
        }

        var wanted = request.Indexes.Where(c => !Refused.ContainsKey(c.Id)).Distinct().ToDictionary(c => c.Id);
        var idle = installed.Where(i => !wanted.ContainsKey(i.Key)).ToList();
        if (idle.Count > 0)
        {
            batch.BatchCommands.Add(Drop(idle.SelectMany(i => i.Value.Handles)));
            changes++;
        }

        var missing = wanted.Values.Where(c => !installed.ContainsKey(c.Id)).ToList();
        if (missing.Count > 0)
        {
            AddCreate(batch, missing.SelectMany(c => c.Parts));
            changes += 2;
        }

        foreach (var command in commands.Commands)
        {
            batch.BatchCommands.Add(command);
        }

        // Hypothetical indexes stay, because a rollback does not drop them. Settings made during planning are reverted.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("rollback"));
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
            var made = await ReadCreatedAsync(reader, candidate, candidate.Parts.Count, cancellationToken);
            if (made.Count > 0)
            {
                installed[candidate.Id] = ([.. made.Select(m => (uint)m[0])], made.Sum(m => m[1]));
            }

            isWhole &= made.Count == 0 || made.Count == candidate.Parts.Count;
        }

        isSure = true;
        var plan = await Planner.ReadAsync(reader, cancellationToken);
        return isWhole ? plan : null;
    }

    protected override WhatIfPlan Read(PlanNode plan, WhatIfRequest request, IReadOnlyDictionary<int, string> refused)
    {
        var byHandle = installed.SelectMany(i => i.Value.Handles.Select(handle => (handle, i.Key))).ToDictionary();
        var candidates = new Dictionary<string, int>();
        foreach (var name in plan.All().Select(n => n.IndexName).OfType<string>())
        {
            // The rest of the name is cut at 63 bytes.
            if (Handle().Match(name) is { Success: true } match
                && byHandle.TryGetValue(
                    uint.Parse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture), out var id))
            {
                candidates[name] = id;
            }
        }

        return new WhatIfPlan(plan, candidates, refused, installed.ToDictionary(i => i.Key, i => i.Value.SizeBytes));
    }

    private void AddCreate(NpgsqlBatch batch, IEnumerable<IndexDefinition> definitions)
    {
        var prepare = new NpgsqlBatchCommand(Sql.Get("PrepareIndexes"));
        prepare.Parameters.Add(new NpgsqlParameter("Definitions", definitions.Select(d => d.ToAnonymousStatement()).ToArray()));
        prepare.Parameters.Add(new NpgsqlParameter("Schema", schema));
        batch.BatchCommands.Add(prepare);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("CreateIndexes")));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("GetIndexHandles")));
    }

    private NpgsqlBatchCommand Drop(IEnumerable<uint> handles) =>
        new($"select {Sql.Marker} {Identifier.Quote(schema)}.hypopg_drop_index(h) from pg_catalog.unnest($1) h")
    {
        Parameters = { new NpgsqlParameter { Value = handles.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
    };

    [GeneratedRegex(@"^<(\d+)>")]
    private static partial Regex Handle();
}

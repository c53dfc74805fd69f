using System.Data;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>
/// Real indexes in one transaction that is never committed. Each index is built once and stays in the transaction. For a request,
/// surplus indexes are dropped after a savepoint; a rollback to the savepoint restores them without a build.
/// </summary>
internal sealed class BuiltIndexes : WhatIfSession
{
    private const string Savepoint = "perf_monitoring";

    private readonly Dictionary<int, Built> built = [];
    private bool isOpen;

    private BuiltIndexes(Database target, NpgsqlConnection connection, TimeSpan statementTimeout)
        : base(target, connection, statementTimeout)
    {
    }

    public override bool IsReal => true;

    public static async Task<BuiltIndexes> OpenAsync(
        Database target, TimeSpan statementTimeout, bool despiteOthers, CancellationToken cancellationToken)
    {
        var others = (await target.QuerySingleOrDefaultAsync<Others>(
            Sql.Get("GetOthers"), null, cancellationToken))!;
        if (others.IsStandby)
        {
            throw new PerfMonitoringException(
                ErrorIds.ReadOnly, FailureKind.NotSupported, $"{target.Target} is a standby: no index can be built there.",
                "Connect to a copy of the database that takes writes, or leave -WhatIfMethod Transaction away.", target.Target);
        }

        if (!despiteOthers && others.Sessions + others.Replicas > 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.DatabaseInUse, FailureKind.Busy,
                $"{target.Target} is in use (other sessions: {others.Sessions}, replicas: {others.Replicas}), and "
                    + $"-WhatIfMethod Transaction builds real indexes: "
                + "until they are rolled back, writes to their tables wait, and for moments reads too.",
                "Connect to a copy of the database that nobody else uses, or add -Force.", target.Target);
        }

        return new BuiltIndexes(target, await target.ConnectAsync(cancellationToken), statementTimeout);
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await RollBackAsync();
        }
        finally
        {
            await Connection.DisposeAsync();
        }
    }

    protected override Task PrepareAsync(CancellationToken cancellationToken) => RollBackAsync();

    // AskAsync has rolled back to its savepoint, so the built indexes stay.
    protected override Task EndAsync() => Task.CompletedTask;

    protected override Task GiveUpAsync() => RollBackAsync();

    protected override async Task<string?> AskAsync(
        WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken)
    {
        try
        {
            return await BuildAndExplainAsync(request, commands, cancellationToken);
        }
        catch (PostgresException)
            when (isOpen && !cancellationToken.IsCancellationRequested && Connection.FullState == ConnectionState.Open)
        {
            // Indexes that were built before the savepoint stay.
            await RunAsync([$"rollback to savepoint {Savepoint}", $"release savepoint {Savepoint}"], cancellationToken);
            throw;
        }
        catch
        {
            await RollBackAsync();
            throw;
        }
    }

    protected override WhatIfPlan Read(PlanNode plan, WhatIfRequest request, IReadOnlyDictionary<int, string> refused)
    {
        var there = request.Indexes.Select(c => c.Id).Distinct().Where(built.ContainsKey).ToList();
        var used = plan.All().Select(n => n.IndexName).OfType<string>().ToHashSet();
        return new WhatIfPlan(
            plan, there.SelectMany(id => built[id].Names.Where(n => used.Contains(n.Name)).Select(n => (n.Name, id)))
                .ToDictionary(), refused,
            there.ToDictionary(id => id, id => built[id].SizeBytes));
    }

    private async Task<string?> BuildAndExplainAsync(
        WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(Connection);
        if (!isOpen)
        {
            Add("begin read write");
            // The transaction is idle while the advisor computes between two requests.
            Add("set local idle_in_transaction_session_timeout = 0");
            if (Target.Target.ServerVersionNumber >= 170000)
            {
                Add("set local transaction_timeout = 0");
            }
        }

        var wanted = request.Indexes.Where(c => !Refused.ContainsKey(c.Id)).Distinct().ToDictionary(c => c.Id);
        var missing = wanted.Values.Where(c => !built.ContainsKey(c.Id)).ToList();
        if (missing.Count > 0)
        {
            Add($"savepoint {Savepoint}");
            // The parts of a candidate are built together or not at all.
            var definitions = missing.Select(
                c => string.Join("; ", Named(c).Select(d => d.ToCreateStatement(concurrently: false))));
            var prepare = new NpgsqlBatchCommand(Sql.Get("PrepareBuild"));
            prepare.Parameters.Add(new NpgsqlParameter("Definitions", definitions.ToArray()));
            prepare.Parameters.Add(new NpgsqlParameter("Names", missing.Select(c => string.Join('\n', NamesOf(c))).ToArray()));
            batch.BatchCommands.Add(prepare);
            Add(Sql.Get("BuildIndexes"));
            Add(Sql.Get("GetIndexHandles"));
            Add($"release savepoint {Savepoint}");
        }

        Add($"savepoint {Savepoint}");
        var idle = built.Where(b => !wanted.ContainsKey(b.Key)).SelectMany(b => b.Value.Names).ToList();
        if (idle.Count > 0)
        {
            Add("drop index " + string.Join(", ", idle));
        }

        foreach (var command in commands.Commands)
        {
            batch.BatchCommands.Add(command);
        }

        Add($"rollback to savepoint {Savepoint}");
        Add($"release savepoint {Savepoint}");
        isOpen = true;
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (missing.Count > 0)
        {
            await reader.NextResultAsync(cancellationToken);
            foreach (var candidate in missing)
            {
                if (await ReadCreatedAsync(reader, candidate, 1, cancellationToken) is [[var size]])
                {
                    built[candidate.Id] = new Built([.. NamesOf(candidate)], size);
                }
            }
        }

        return await Planner.ReadAsync(reader, cancellationToken);

        void Add(string sql) => batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
    }

    // The pool would also end the open transaction, but later. This releases the locks at once.
    private async Task RollBackAsync()
    {
        built.Clear();
        if (isOpen && Connection.FullState == ConnectionState.Open)
        {
            await RunAsync(["rollback"], CancellationToken.None);
        }

        isOpen = false;
    }

    private static IEnumerable<IndexDefinition> Named(Candidate candidate) =>
        candidate.Parts.Select((definition, part) => definition with { Name = $"perf_monitoring_{candidate.Id}_{part}" });

    private static IEnumerable<RelationName> NamesOf(Candidate candidate) => Named(candidate).Select(d => d.QualifiedName);

    private sealed record Built(IReadOnlyList<RelationName> Names, long SizeBytes);

    private sealed class Others
    {
        public bool IsStandby { get; init; }
        public int Sessions { get; init; }
        public int Replicas { get; init; }
    }
}

using PerfMonitoring.Store;
using System.Data;
using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Store;

namespace PerfMonitoring.Postgres.Audit;

/// <summary>The audit in the store, and the traces in the monitored database of actions without a recorded end.</summary>
internal sealed class IndexActionRepository(Database target, Database store, IStoreRepository schema, ActingUser user)
    : IIndexActionRepository
{
    public async Task<Guid?> StartAsync(IndexAction action, CancellationToken cancellationToken)
    {
        // With an older store no audit could be kept, so that is an error. To have no store is the user's choice.
        if (await schema.FindSchemaAsync(cancellationToken) is null)
        {
            return null;
        }

        var id = new UuidV7(DateTimeOffset.UtcNow).Next();
        await store.ExecuteAsync(
            Sql.Get("StartAction"),
            new
            {
                Id = id,
                action.IndexStrategyId,
                Action = EnumLabel.Of(action.Action),
                action.TableName,
                action.IndexName,
                action.Statement,
                action.UndoStatement,
                action.Reason,
                action.Evidence,
                IndexOid = (long?)action.IndexOid,
                UserId = await user.GetIdAsync(cancellationToken),
            },
            cancellationToken);
        return id;
    }

    public async Task SetSessionAsync(Guid? id, int processId, DateTimeOffset backendStart, CancellationToken cancellationToken)
    {
        if (id is not null)
        {
            await store.ExecuteAsync(
                Sql.Get("SetActionSession"), new { Id = id, ProcessId = processId, BackendStart = backendStart.UtcDateTime },
                cancellationToken);
        }
    }

    public async Task FinishAsync(Guid? id, IndexActionOutcome outcome, string? failure, CancellationToken cancellationToken)
    {
        if (id is { } known)
        {
            await FinishAsync(known, outcome, failure, null, isReconciled: false, cancellationToken);
        }
    }

    public async Task<IReadOnlyList<(IndexAction Action, ActionTrace Trace)>> ReconcileAsync(
        BuilderLock? held, CancellationToken cancellationToken)
    {
        if (await schema.FindSchemaAsync(cancellationToken) is null)
        {
            return [];
        }

        var atWork = new List<(IndexAction, ActionTrace)>();
        foreach (var (action, trace) in await TraceAsync(held, cancellationToken))
        {
            if (trace.Judge(action) is { } judged)
            {
                await FinishAsync(
                    judged.Id, judged.Outcome, judged.Error, trace.SizeBytes, isReconciled: true, cancellationToken);
            }
            else if (trace is { IsOwnTable: true, IsHeld: false })
            {
                atWork.Add((action, trace));
            }
        }

        return atWork;
    }

    public async IAsyncEnumerable<IndexAction> GetAsync(
        IndexActionFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var judged = (await TraceAsync(null, cancellationToken)).Select(t => t.Trace.Judge(t.Action)).OfType<IndexAction>()
            .ToDictionary(a => a.Id);
        var parameters = new
        {
            StrategyIds = filter.StrategyIds?.ToArray(),
            filter.TableName,
            filter.IndexName,
            Actions = filter.Actions?.Select(EnumLabel.Of).ToArray(),
            Outcomes = filter.Outcomes?.Select(EnumLabel.Of).ToArray(),
            JudgedIds = judged.Keys.ToArray(),
            WantedIds = judged.Values.Where(a => filter.Outcomes?.Contains(a.Outcome) == true).Select(a => a.Id).ToArray(),
            Since = filter.Since?.UtcDateTime,
            Until = filter.Until?.UtcDateTime,
        };
        await foreach (var action in store.StreamAsync(Sql.Get("GetActions"), parameters, Read, cancellationToken))
        {
            // The action's own run, or another one, may have written the end meanwhile.
            yield return action.Outcome == IndexActionOutcome.Started && judged.TryGetValue(action.Id, out var known)
                ? action with { Outcome = known.Outcome, Error = known.Error, FinishedAt = known.FinishedAt, IsReconciled = true }
                : action;
        }
    }

    // The actions without a recorded end, with the traces of each on the server.
    private async Task<IReadOnlyList<(IndexAction Action, ActionTrace Trace)>> TraceAsync(
        BuilderLock? held, CancellationToken cancellationToken)
    {
        var started = await store.QueryAsync<StartedRow>(
            Sql.Get("GetStartedActions"), null, cancellationToken);
        if (started.Count == 0)
        {
            return [];
        }

        var traces = await target.QueryAsync<TraceRow>(
            Sql.Get("GetActionTraces"),
            new
            {
                Actions = JsonSerializer.Serialize(started.Select(GivenRow.From), Json.Rows),
                OwnProcessId = held?.ProcessId,
                TableOid = (long?)held?.TableOid,
            },
            cancellationToken);
        var byId = traces.ToDictionary(t => t.Id, t => t.ToTrace());
        return [.. started.Select(s => (s.ToAction(target.Target), byId[s.Id]))];
    }

    private async Task FinishAsync(
        Guid id, IndexActionOutcome outcome, string? failure, long? sizeBytes, bool isReconciled,
        CancellationToken cancellationToken) => await store.ExecuteAsync(
            Sql.Get("FinishAction"),
            new
            {
                Id = id,
                Outcome = EnumLabel.Of(outcome),
                Error = failure,
                SizeBytes = sizeBytes,
                IsReconciled = isReconciled,
                UserId = await user.GetIdAsync(cancellationToken),
            },
            cancellationToken);

    private IndexAction Read(DbDataReader row) => new()
    {
        Id = row.GetGuid("id"),
        IndexStrategyId = row.GetFieldValue<Guid?>("index_strategy_id"),
        Action = EnumLabel.Parse<IndexActionKind>(row.GetString("action")),
        TableName = row.GetString("table_name"),
        IndexName = row.GetString("index_name"),
        Statement = row.GetString("statement"),
        UndoStatement = row.GetValue("undo_statement") as string,
        Outcome = EnumLabel.Parse<IndexActionOutcome>(row.GetString("outcome")),
        Reason = row.GetValue("reason") as string,
        Evidence = row.GetValue("evidence") as string,
        Error = row.GetValue("error") as string,
        StartedAt = row.GetFieldValue<DateTimeOffset>("started_at"),
        FinishedAt = row.GetFieldValue<DateTimeOffset?>("finished_at"),
        CreatedBy = row.GetString("created_by"),
        IsReconciled = row.GetBoolean("is_reconciled"),
        Target = target.Target,
    };


    private sealed class StartedRow
    {
        public Guid Id { get; init; }
        public string Action { get; init; } = "";
        public string TableName { get; init; } = "";
        public string IndexName { get; init; } = "";
        public string Statement { get; init; } = "";
        public string? UndoStatement { get; init; }
        public uint? IndexOid { get; init; }
        public int? ProcessId { get; init; }
        public DateTimeOffset? BackendStart { get; init; }

        public IndexAction ToAction(ServerTarget target) => new()
        {
            Id = Id,
            Action = EnumLabel.Parse<IndexActionKind>(Action),
            TableName = TableName,
            IndexName = IndexName,
            Statement = Statement,
            UndoStatement = UndoStatement,
            IndexOid = IndexOid,
            Target = target,
        };
    }

    /// <summary>A row for GetActionTraces.sql.</summary>
    private sealed record GivenRow(
        Guid Id, string? SchemaName, string TableName, string IndexName, string Statement, string Mark, uint? IndexOid,
        int? ProcessId,
        DateTimeOffset? BackendStart)
    {
        public static GivenRow From(StartedRow row)
        {
            var table = RelationName.Parse(row.TableName);
            return new(
                row.Id, table.Schema, table.Name, row.IndexName, row.Statement, ActionTrace.MarkOf(row.Id), row.IndexOid,
                row.ProcessId,
                row.BackendStart);
        }
    }

    private sealed class TraceRow
    {
        public Guid Id { get; init; }
        public DateTimeOffset Now { get; init; }
        public bool IsOwnTable { get; init; }
        public bool IsHeld { get; init; }
        public int? ProcessId { get; init; }
        public string? Phase { get; init; }
        public bool? IsMarked { get; init; }
        public long? NamedOid { get; init; }
        public bool IsNamedValid { get; init; }
        public long? SizeBytes { get; init; }
        public bool IsThere { get; init; }
        public bool IsValid { get; init; }

        public ActionTrace ToTrace() => new()
        {
            Now = Now,
            IsOwnTable = IsOwnTable,
            IsHeld = IsHeld,
            ProcessId = ProcessId,
            Phase = Phase,
            IsMarked = IsMarked,
            NamedOid = (uint?)NamedOid,
            IsNamedValid = IsNamedValid,
            SizeBytes = SizeBytes,
            IsThere = IsThere,
            IsValid = IsValid,
        };
    }
}

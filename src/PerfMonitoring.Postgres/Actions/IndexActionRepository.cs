using System.Data.Common;
using System.Runtime.CompilerServices;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Queries;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Actions;

/// <summary>The audit in the store.</summary>
internal sealed class IndexActionRepository(Database store, ServerTarget target, MonitoredDatabase monitored, ActingUser user) : IIndexActionRepository
{
    public async Task<Guid?> StartAsync(IndexAction action, CancellationToken cancellationToken)
    {
        // An older store is an error, for it would silently keep no audit; no store at all is a choice.
        if (!await new StoreRepository(store).ExistsAsync(cancellationToken))
        {
            return null;
        }

        var id = new UuidV7(DateTimeOffset.UtcNow).Next();
        await store.ExecuteAsync(
            Text("StartAction"),
            new
            {
                Id = id,
                MonitoredDatabaseId = await monitored.GetIdAsync(cancellationToken),
                action.IndexStrategyId,
                Action = EnumLabel.Of(action.Action),
                action.TableName,
                action.IndexName,
                action.Statement,
                action.UndoStatement,
                action.Reason,
                action.Evidence,
                UserId = await user.GetIdAsync(cancellationToken),
            },
            cancellationToken);
        return id;
    }

    public async Task FinishAsync(Guid? id, IndexActionOutcome outcome, string? failure, CancellationToken cancellationToken)
    {
        if (id is not null)
        {
            await store.ExecuteAsync(Text("FinishAction"), new { Id = id, Outcome = EnumLabel.Of(outcome), Error = failure }, cancellationToken);
        }
    }

    public async IAsyncEnumerable<IndexAction> GetAsync(IndexActionFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new
        {
            MonitoredDatabaseId = await monitored.GetIdAsync(cancellationToken),
            StrategyIds = filter.StrategyIds?.ToArray(),
            filter.TableName,
            filter.IndexName,
            Actions = filter.Actions?.Select(EnumLabel.Of).ToArray(),
            Outcomes = filter.Outcomes?.Select(EnumLabel.Of).ToArray(),
            Since = filter.Since?.UtcDateTime,
            Until = filter.Until?.UtcDateTime,
        };
        await foreach (var action in store.StreamAsync(Text("GetActions"), parameters, Read, cancellationToken))
        {
            yield return action;
        }
    }

    private IndexAction Read(DbDataReader row) => new()
    {
        Id = row.GetGuid(0),
        IndexStrategyId = row.IsDBNull(1) ? null : row.GetGuid(1),
        Action = EnumLabel.Parse<IndexActionKind>(row.GetString(2)),
        TableName = row.GetString(3),
        IndexName = row.GetString(4),
        Statement = row.GetString(5),
        UndoStatement = row.IsDBNull(6) ? null : row.GetString(6),
        Outcome = EnumLabel.Parse<IndexActionOutcome>(row.GetString(7)),
        Reason = row.IsDBNull(8) ? null : row.GetString(8),
        Evidence = row.IsDBNull(9) ? null : row.GetString(9),
        Error = row.IsDBNull(10) ? null : row.GetString(10),
        StartedAt = row.GetFieldValue<DateTimeOffset>(11),
        FinishedAt = row.IsDBNull(12) ? null : row.GetFieldValue<DateTimeOffset>(12),
        CreatedBy = row.GetString(13),
        Target = target,
    };

    private string Text(string name) => Sql.Get(typeof(IndexActionRepository), name, store.Target.ServerVersionNumber);
}

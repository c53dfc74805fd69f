using System.Data;
using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Strategies;

/// <summary>Strategies in the store: the entity, and side tables for the data that the entity does not hold.</summary>
internal sealed class IndexStrategyRepository(Database store, ServerTarget target, ActingUser user)
    : IIndexStrategyRepository
{
    private const int MaximumTableName = 100;

    private static readonly Comparer<(string Table, string Index)> KeyOrder = Comparer<(string Table, string Index)>.Create(
        (x, y) =>
            string.CompareOrdinal(x.Table, y.Table) is var tables and not 0 ? tables : string.CompareOrdinal(x.Index, y.Index));

    public async IAsyncEnumerable<IndexStrategy> GetAsync(
        IndexStrategyFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new
        {
            Ids = filter.Ids?.ToArray(),
            SchemaName = filter.Table?.Schema,
            TableName = filter.Table?.Name,
            filter.IndexName,
            filter.IsCreated,
            filter.IncludeInactive,
        };
        await foreach (var strategy in store.StreamAsync(Sql.Get("GetStrategies"), parameters, Read, cancellationToken))
        {
            yield return strategy;
        }
    }

    public async Task<IReadOnlyList<IndexStrategy>> AddAsync(
        IReadOnlyList<IndexStrategy> strategies, CancellationToken cancellationToken)
    {
        foreach (var strategy in strategies)
        {
            CheckLengths(strategy);
        }

        var userId = await user.GetIdAsync(cancellationToken);
        var ids = await store.InTransactionAsync(
            async (connection, _) =>
            {
                // A fixed order prevents a deadlock between two sessions that store at the same time.
                var stored = new Guid[strategies.Count];
                foreach (var (strategy, at) in strategies.Select((s, i) => (s, i))
                    .OrderBy(s => (s.s.TableName, s.s.IndexName), KeyOrder))
                {
                    stored[at] = await AddOneAsync(connection, strategy, userId, cancellationToken);
                }

                return stored;
            },
            cancellationToken);
        var byId = new Dictionary<Guid, IndexStrategy>();
        await foreach (var strategy in GetAsync(new IndexStrategyFilter { Ids = ids, IncludeInactive = true }, cancellationToken))
        {
            byId[strategy.Id] = strategy;
        }

        return [.. ids.Select(id => byId[id])];
    }

    public async Task<IndexStrategy> UpdateAsync(Guid id, IndexStrategyChange change, CancellationToken cancellationToken)
    {
        var found = await store.ExecuteAsync(
            Sql.Get("UpdateStrategy"),
            new
            {
                Id = id,
                MaintenanceWindow = change.MaintenanceWindow is { } window ? EnumLabel.Of(window) : null,
                UsagePattern = change.UsagePattern is { } pattern ? EnumLabel.Of(pattern) : null,
                change.IsMonitoring,
                change.IsCreated,
                change.IsActive,
                change.SizeBytes,
                BuildSeconds = change.BuildTime?.TotalSeconds,
                UserId = await user.GetIdAsync(cancellationToken),
            },
            cancellationToken);
        if (found > 0)
        {
            await foreach (var strategy in GetAsync(
                new IndexStrategyFilter { Ids = [id], IncludeInactive = true }, cancellationToken))
            {
                return strategy;
            }
        }

        throw StrategyErrors.NotFound(id, target);
    }

    public async Task<double?> GetBuildRateAsync(CancellationToken cancellationToken) =>
        await store.QuerySingleOrDefaultAsync<double?>(
            Sql.Get("GetBuildRate"), null, cancellationToken);

    private static void CheckLengths(IndexStrategy strategy)
    {
        StrategyErrors.CheckLength(strategy);
        if (strategy.TableName.Length > MaximumTableName)
        {
            throw new PerfMonitoringException(
                ErrorIds.TableNameTooLong, FailureKind.InvalidArgument,
                $"{strategy.TableName} has {strategy.TableName.Length} characters with its schema; the store takes "
                    + $"{MaximumTableName}.",
                "Shorten the name of the schema or of the table.", strategy.TableName);
        }
    }

    private async Task<Guid> AddOneAsync(
        NpgsqlConnection connection, IndexStrategy strategy, Guid userId, CancellationToken cancellationToken)
    {
        var id = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            store.Text("AddStrategy"),
            new
            {
                strategy.Id,
                strategy.TableName,
                strategy.IndexName,
                IndexType = EnumLabel.Of(strategy.IndexType),
                strategy.IndexDefinition,
                Columns = JsonSerializer.Serialize(strategy.Columns, IndexDefinitionJson.Options),
                strategy.WhereClause,
                UsagePattern = EnumLabel.Of(strategy.UsagePattern),
                MaintenanceWindow = EnumLabel.Of(strategy.MaintenanceWindow),
                strategy.IsCreated,
                strategy.IsMonitoring,
                UserId = userId,
            },
            cancellationToken: cancellationToken));
        if (id is null)
        {
            return await KeepAsync(connection, strategy, cancellationToken);
        }

        await connection.ExecuteAsync(new CommandDefinition(
            store.Text("SetDetail"),
            new
            {
                Id = id,
                Definition = JsonSerializer.Serialize(strategy.Definition, IndexDefinitionJson.Options),
                strategy.CostBefore,
                strategy.CostAfter,
                strategy.WriteCost,
                strategy.MarginalGain,
                Replaces = strategy.Replaces.ToArray(),
                strategy.SizeBytes,
                strategy.Rank,
                Evidence = EnumLabel.Of(strategy.Evidence),
                strategy.Reason,
            },
            cancellationToken: cancellationToken));
        if (strategy.Impacts.Count > 0)
        {
            var impacts = strategy.Impacts.Select(i => new EvidenceRow(
                i.QueryHash, i.Query[..Math.Min(i.Query.Length, IndexDefinition.MaximumLength)], i.Weight, i.CostBefore,
                i.CostAfter, i.MeanTimeMs));
            await connection.ExecuteAsync(new CommandDefinition(
                store.Text("AddEvidence"), new { Id = id, Impacts = JsonSerializer.Serialize(impacts, Json.Rows) },
                cancellationToken: cancellationToken));
        }

        return id.Value;
    }

    // The existing row must stay, because the index was built from it.
    private async Task<Guid> KeepAsync(
        NpgsqlConnection connection, IndexStrategy strategy, CancellationToken cancellationToken)
    {
        var holder = await connection.QuerySingleAsync<Guid>(new CommandDefinition(
            store.Text("GetStrategyByName"),
            new { strategy.TableName, strategy.IndexName },
            cancellationToken: cancellationToken));
        await foreach (var stored in GetAsync(
            new IndexStrategyFilter { Ids = [holder], IncludeInactive = true }, cancellationToken))
        {
            if (stored.Definition.ToAnonymousStatement() == strategy.Definition.ToAnonymousStatement())
            {
                return stored.Id;
            }
        }

        throw new PerfMonitoringException(
            ErrorIds.StrategyExists, FailureKind.AlreadyExists,
            $"Index {strategy.IndexName} on {strategy.TableName} was created from a strategy with another definition.",
            "Choose another -IndexName, or run Remove-IndexStrategy for the old one first.", holder);
    }

    private IndexStrategy Read(DbDataReader row) => new()
    {
        Id = row.GetGuid("id"),
        UsagePattern = EnumLabel.Parse<UsagePattern>(row.GetString("usage_pattern")),
        MaintenanceWindow = EnumLabel.Parse<MaintenanceWindow>(row.GetString("maintenance_window")),
        IsCreated = row.GetBoolean("is_created"),
        IsMonitoring = row.GetBoolean("is_monitoring"),
        IsActive = row.GetBoolean("is_active"),
        IsStored = true,
        CreatedBy = row.GetString("created_by"),
        UpdatedBy = row.GetValue("updated_by") as string,
        CreatedAt = row.GetFieldValue<DateTimeOffset>("created_at"),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>("updated_at"),
        Definition = JsonSerializer.Deserialize<IndexDefinition>(row.GetString("definition"), IndexDefinitionJson.Options)!,
        CostBefore = row.GetFieldValue<double?>("cost_before"),
        CostAfter = row.GetFieldValue<double?>("cost_after"),
        WriteCost = row.GetFieldValue<double?>("write_cost"),
        MarginalGain = row.GetFieldValue<double?>("marginal_gain"),
        Replaces = row.GetFieldValue<string[]>("replaces"),
        SizeBytes = row.GetFieldValue<long?>("size_bytes"),
        Rank = row.GetInt32("rank"),
        Evidence = EnumLabel.Parse<EvidenceSource>(row.GetString("evidence")),
        Reason = row.GetString("reason"),
        Impacts = JsonSerializer.Deserialize<List<QueryImpact>>(row.GetString("impacts"), IndexDefinitionJson.Options)!,
        Target = target,
    };


    private sealed record EvidenceRow(
        string QueryHash, string QueryPattern, double Weight, double CostBefore, double CostAfter, double? MeanTimeMs);
}

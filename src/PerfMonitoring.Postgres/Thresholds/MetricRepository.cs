using System.Text.Json;
using Dapper;
using Npgsql;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Repositories;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Thresholds;

/// <summary>The counters of the monitored database, and the last sample of them in the store.</summary>
internal sealed class MetricRepository(Database target, Database store, MonitoredDatabase monitored) : IMetricRepository
{
    private static readonly Version FirstWithReset = new(1, 9);

    public async Task<MetricSample> SampleAsync(CancellationToken cancellationToken)
    {
        var counters = (await target.QueryAsync<CounterRow>(Text(target, "GetDatabaseCounters"), null, cancellationToken))[0];
        StatementSample? statements = null;
        string? reason = null;
        try
        {
            statements = await SampleStatementsAsync(cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            reason = e.Message;
        }

        return new MetricSample
        {
            TakenAt = counters.TakenAt,
            Instance = $"{target.Target.HostName}:{target.Target.Port}{(counters.IsStandby ? " (standby)" : "")}",
            ResetAt = counters.ResetAt,
            Transactions = counters.Transactions,
            Deadlocks = counters.Deadlocks,
            Tables = await target.QueryAsync<TableCounters>(Text(target, "GetTableCounters"), null, cancellationToken),
            Statements = statements,
            StatementsReason = reason,
        };
    }

    public async Task<MetricSample?> GetLastSampleAsync(CancellationToken cancellationToken)
    {
        var json = await store.QuerySingleOrDefaultAsync<string>(
            Text(store, "GetLastSample"), new { MonitoredDatabaseId = await monitored.FindIdAsync(cancellationToken) }, cancellationToken);
        return json is null ? null : JsonSerializer.Deserialize<MetricSample>(json, Json.Options);
    }

    public async Task SaveSampleAsync(MetricSample sample, CancellationToken cancellationToken) => await store.ExecuteAsync(
        Text(store, "SaveSample"),
        new
        {
            MonitoredDatabaseId = await monitored.RegisterAsync(cancellationToken),
            sample.TakenAt,
            Sample = JsonSerializer.Serialize(sample, Json.Options),
        },
        cancellationToken);

    public Task<string?> GetStatementTextAsync(StatementCounters statement, CancellationToken cancellationToken) => OnStatementsAsync(
        (source, connection, transaction) => connection.QueryFirstOrDefaultAsync<string>(new CommandDefinition(
            StatementText(source, "GetStatementText"), new { statement.QueryId, UserId = (long)statement.UserId }, transaction, cancellationToken: cancellationToken)),
        cancellationToken);

    public async Task<ConnectionCount> GetConnectionsAsync(CancellationToken cancellationToken) =>
        (await target.QueryAsync<ConnectionCount>(Text(target, "GetConnections"), null, cancellationToken))[0];

    public async Task<MeasuredTable?> FindTableAsync(RelationName name, CancellationToken cancellationToken)
    {
        var searchPath = name.Schema is null ? await target.GetUserSchemasAsync(cancellationToken) : [];
        var found = await target.QuerySingleOrDefaultAsync<TableRow>(
            Text(target, "FindTable"), new { name.Schema, name.Name, SearchPath = searchPath }, cancellationToken);
        return found is null ? null : new MeasuredTable { Name = new RelationName(found.SchemaName, found.TableName).ToString(), Oids = found.Oids };
    }

    public async Task<IReadOnlyList<TableSize>> GetTableSizesAsync(MeasuredTable? table, CancellationToken cancellationToken)
    {
        if (table is not null)
        {
            var size = (await target.QueryAsync<SizeRow>(Text(target, "GetTableSize"), new { Oids = table.Oids.Select(o => (long)o).ToArray() }, cancellationToken))[0];
            return [new TableSize { Name = table.Name, Bytes = size.Bytes, TakenAt = size.TakenAt }];
        }

        var sizes = await target.QueryAsync<SizeRow>(Text(target, "GetTableSizes"), null, cancellationToken);
        return [.. sizes.Select(s => new TableSize { Name = new RelationName(s.SchemaName, s.TableName).ToString(), Bytes = s.Bytes, TakenAt = s.TakenAt })];
    }

    // The extension may live in any schema.
    private string StatementText(StatementSource source, string name) =>
        Text(target, name).Replace("public.pg_stat_statements", Identifier.Quote(source.Schema) + ".pg_stat_statements", StringComparison.Ordinal);

    private static string Text(Database database, string name) => Sql.Get(typeof(MetricRepository), name, database.Target.ServerVersionNumber);

    private Task<StatementSample> SampleStatementsAsync(CancellationToken cancellationToken) => OnStatementsAsync(
        async (source, connection, transaction) =>
        {
            var resetAt = Version.TryParse(source.Version, out var version) && version >= FirstWithReset
                ? await connection.QuerySingleAsync<DateTimeOffset?>(
                    new CommandDefinition(StatementText(source, "GetStatementReset"), null, transaction, cancellationToken: cancellationToken))
                : null;
            var rows = await connection.QueryAsync<StatementCounters>(new CommandDefinition(
                StatementText(source, "GetStatements"), new { Sql.Marker }, transaction, cancellationToken: cancellationToken));
            return new StatementSample { ResetAt = resetAt, OfAllRoles = source.OfAllRoles, Statements = rows.AsList() };
        },
        cancellationToken);

    private async Task<T> OnStatementsAsync<T>(
        Func<StatementSource, NpgsqlConnection, NpgsqlTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        var source = await target.QuerySingleOrDefaultAsync<StatementSource>(Text(target, "GetStatementSource"), null, cancellationToken)
            ?? throw new PerfMonitoringException(
                "ExtensionMissing", FailureKind.NotInstalled, $"{target.Target} has no extension pg_stat_statements.",
                "Test-PerfMonitoringPrerequisite says how to get it.", target.Target);
        return await target.InTransactionAsync((connection, transaction) => work(source, connection, transaction), cancellationToken);
    }

    private sealed class CounterRow
    {
        public DateTimeOffset TakenAt { get; init; }
        public bool IsStandby { get; init; }
        public DateTimeOffset? ResetAt { get; init; }
        public long Transactions { get; init; }
        public long Deadlocks { get; init; }
    }

    private sealed class StatementSource
    {
        public string Schema { get; init; } = "";
        public string Version { get; init; } = "";
        public bool OfAllRoles { get; init; }
    }

    private sealed class TableRow
    {
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public uint[] Oids { get; init; } = [];
    }

    private sealed class SizeRow
    {
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public long Bytes { get; init; }
        public DateTimeOffset TakenAt { get; init; }
    }
}

using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Statements;
using PerfMonitoring.Statements;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Thresholds;

/// <summary>The counters of the monitored database, and their last sample in the store.</summary>
internal sealed class MetricRepository(Database target, Database store) : IMetricRepository
{
    public async Task<MetricSample> SampleAsync(CancellationToken cancellationToken)
    {
        var counters = (await target.QueryAsync<CounterRow>(Sql.Get("GetDatabaseCounters"), null, cancellationToken))[0];
        StatementSample? statements = null;
        string? reason = null;
        try
        {
            statements = await SampleStatementsAsync(cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            reason = e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}";
        }

        return new MetricSample
        {
            TakenAt = counters.TakenAt,
            Instance = $"{target.Target.HostName}:{target.Target.Port}{(counters.IsStandby ? " (standby)" : "")}",
            ResetAt = counters.ResetAt,
            Transactions = counters.Transactions,
            Deadlocks = counters.Deadlocks,
            Tables = await target.QueryAsync<TableCounters>(Sql.Get("GetTableCounters"), null, cancellationToken),
            Statements = statements,
            StatementsReason = reason,
        };
    }

    public async Task<MetricSample?> GetLastSampleAsync(CancellationToken cancellationToken)
    {
        var json = await store.QuerySingleOrDefaultAsync<string>(
            Sql.Get("GetLastSample"), null, cancellationToken);
        return json is null ? null : JsonSerializer.Deserialize<MetricSample>(json, Json.Options);
    }

    public async Task SaveSampleAsync(MetricSample sample, CancellationToken cancellationToken) => await store.ExecuteAsync(
        Sql.Get("SaveSample"),
        new
        {
            sample.TakenAt,
            Sample = JsonSerializer.Serialize(sample, Json.Options),
        },
        cancellationToken);

    public async Task<string?> GetStatementTextAsync(StatementKey statement, CancellationToken cancellationToken)
    {
        var extension = new StatementsExtension(target);
        var state = await extension.GetAsync(cancellationToken);
        return await extension.ReadAsync(
            state,
            () => target.QuerySingleOrDefaultAsync<string>(
                StatementsExtension.Statement(state, "GetStatementText"),
                new { statement.QueryId, UserId = (long)statement.UserOid },
                cancellationToken),
            cancellationToken);
    }

    public async Task<ConnectionCount> GetConnectionsAsync(CancellationToken cancellationToken) =>
        (await target.QueryAsync<ConnectionCount>(Sql.Get("GetConnections"), null, cancellationToken))[0];

    public async Task<MeasuredTable?> FindTableAsync(RelationName name, CancellationToken cancellationToken)
    {
        var searchPath = name.Schema is null ? await target.GetUserSchemasAsync(cancellationToken) : [];
        var found = await target.QuerySingleOrDefaultAsync<TableRow>(
            Sql.Get("FindTable"), new { name.Schema, name.Name, SearchPath = searchPath }, cancellationToken);
        return found is null
            ? null : new MeasuredTable {
            Name = new RelationName(found.SchemaName, found.TableName).ToString(), Oids = found.Oids };
    }

    public async Task<IReadOnlyList<TableSize>> GetTableSizesAsync(MeasuredTable? table, CancellationToken cancellationToken)
    {
        if (table is not null)
        {
            var size = (
                await target.QueryAsync<SizeRow>(
                    Sql.Get("GetTableSize"), new { Oids = table.Oids.Select(o => (long)o).ToArray() }, cancellationToken))[0];
            return [new TableSize { Name = table.Name, Bytes = size.Bytes, TakenAt = size.TakenAt }];
        }

        var sizes = await target.QueryAsync<SizeRow>(Sql.Get("GetTableSizes"), null, cancellationToken);
        return [.. sizes.Select(
            s => new TableSize {
            Name = new RelationName(s.SchemaName, s.TableName).ToString(), Bytes = s.Bytes, TakenAt = s.TakenAt })];
    }


    // The store keeps the sample, so it holds only the counters of each statement that a mean time needs.
    private async Task<StatementSample> SampleStatementsAsync(CancellationToken cancellationToken)
    {
        var reading = await StatementReading.TakeAsync(target, withTexts: false, cancellationToken);
        return new StatementSample
        {
            State = reading.State,
            OfAllRoles = reading.OfAllRoles,
            Statements =
            [
                .. from statement in reading.Statements
                   let c = statement.Counters
                   select new StatementCounters { Key = c.Key, Calls = c.Calls, TotalTimeMs = c.TotalTimeMs, Since = c.Since },
            ],
        };
    }

    private sealed class CounterRow
    {
        public DateTimeOffset TakenAt { get; init; }
        public bool IsStandby { get; init; }
        public DateTimeOffset? ResetAt { get; init; }
        public long Transactions { get; init; }
        public long Deadlocks { get; init; }
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

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// What <c>scale-measure</c> printed on PostgreSQL 15, two cores of a busy virtual machine, loopback, a store of seven
/// migrations. CPU times are of one core. After a change of the store's layout it is measured again.
/// </summary>
internal static class ScaleConstants
{
    // A collection of one database: a part for each round and a part for each statement whose counters changed.
    public const double ClientRoundCpuMs = 36;
    public const double ClientRowCpuMs = 0.03;
    public const double StoreRoundCpuMs = 8.2;
    public const double StoreRowCpuMs = 0.048;
    public const double MonitoredRoundCpuMs = 20;
    public const double MonitoredRowCpuMs = 0.031;
    public const double RoundTransactions = 1;

    // A row is one of query_performance_log and the one of query_performance_interval with its figures, with their indexes.
    public const double RowBytes = 930;
    public const double RowWalBytes = 1330;

    // A session: connect to both, look at the store's catalog once, collect once.
    public const double SessionStoreCpuMs = 219;
    public const double SessionClientCpuMs = 79;
    public const double SessionStoreConnections = 1;
    public const double SessionMonitoredConnections = 1;

    // A schema that nobody uses, with six weeks of partitions.
    public const double SchemaSeconds = 3.5148;
    public const double SchemaBytes = 1_258_000;
    public const double SchemaTables = 31;
    public const double SchemaRelations = 137;
    public const double BackendSchemaBytes = 399_000;
    public const double SchemaVacuumCpuMs = 0.45;
    public const double SchemaDumpSeconds = 0.097;

    // Citus 13.2, a coordinator and two workers on loopback: the times of the store's statements and of its migrations, as
    // multiples of those without Citus.
    public const double CitusStatementTimes = 3.8;
    public const double CitusDdlTimes = 4;
}

using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Changes indexes, each change by the steps of <see cref="IndexChange"/>.</summary>
internal sealed class IndexChanger(ChangeContext context) : IIndexChanger
{
    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var build = new IndexBuild(context, strategy, options, progress);
        await build.RunAsync(cancellationToken);
        return (build.ToResult(), build.Error);
    }

    public async Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> DropAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null)
    {
        var drop = new IndexDrop(context, index, action, options, progress);
        await drop.RunAsync(cancellationToken);
        return (drop.ToResult(), drop.Error);
    }

    public async Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RebuildAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null)
    {
        var rebuild = new IndexRebuild(context, index, action, options, progress);
        await rebuild.RunAsync(cancellationToken);
        return (rebuild.ToResult(), rebuild.Error);
    }

    public async Task<BuildFacts> GetBuildFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken)
    {
        long[] oids = table.Leaves.Count == 0
            ? [table.Oid]
            : [.. (await context.Catalog.FindTablesAsync(table.Leaves, cancellationToken)).Select(l => (long)l.Oid), table.Oid];
        var parameters = new { TableOid = (long)table.Oid, TableOids = oids, Tablespace = tablespace };
        var facts = await context.Target.QuerySingleOrDefaultAsync<FactsRow>(
            Sql.Get("GetBuildFacts"), parameters, cancellationToken)
            ?? throw new PerfMonitoringException(
                ErrorIds.TableNotFound, FailureKind.NotFound,
                $"There is no table {table.Name} in {context.Target.Target} any more.", null, table.Name.ToString());
        var older = await context.Target.QueryAsync<BlockerRow>(Sql.Get("GetOlderTransactions"), parameters, cancellationToken);
        return new BuildFacts
        {
            IsStandby = facts.IsStandby,
            IsOwner = facts.IsOwner,
            RoleName = facts.RoleName,
            CanCreateInSchema = facts.CanCreateInSchema,
            Tablespace = facts.Tablespace,
            HasTablespace = facts.HasTablespace,
            CanCreateInTablespace = facts.CanCreateInTablespace,
            MaximumColumns = facts.MaximumColumns,
            SessionsLeft = facts.SessionsLeft,
            EventTriggers = facts.EventTriggers,
            ForeignPartitions = facts.ForeignPartitions,
            SeesOthers = facts.SeesOthers,
            OlderTransactions = [.. older.Select(o => o.ToBlocker())],
            PreparedTransactions = facts.PreparedTransactions,
            HasAutovacuum = facts.HasAutovacuum,
            IsWraparound = facts.IsWraparound,
            OtherBuilds = facts.OtherBuilds,
            IndexesBeingBuilt = [.. facts.IndexesBeingBuilt.Select(o => (uint)o)],
            ActiveSessions = facts.SeesOthers ? facts.ActiveSessions : null,
            Standbys = facts.Standbys,
            ReplicationLag = facts is { SeesOthers: true, LagSeconds: { } lag } ? TimeSpan.FromSeconds(lag) : null,
            FreeDiskBytes = FreeDisk(facts.Directory),
        };
    }

    // PostgreSQL has no function for the free disk space. The directory is read if the server runs on this machine.
    private long? FreeDisk(string? directory)
    {
        var host = context.Target.Target.HostName;
        var isLocal = host.StartsWith('/') || host is "localhost" or "127.0.0.1" or "::1";
        try
        {
            return isLocal && directory is not null && Directory.Exists(directory)
                ? new DriveInfo(directory).AvailableFreeSpace : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private sealed class FactsRow
    {
        public bool IsStandby { get; init; }
        public bool IsOwner { get; init; }
        public string RoleName { get; init; } = "";
        public bool CanCreateInSchema { get; init; }
        public string? Tablespace { get; init; }
        public bool HasTablespace { get; init; }
        public bool CanCreateInTablespace { get; init; }
        public int MaximumColumns { get; init; }
        public int? SessionsLeft { get; init; }
        public string[] EventTriggers { get; init; } = [];
        public string[] ForeignPartitions { get; init; } = [];
        public bool SeesOthers { get; init; }
        public string? Directory { get; init; }
        public string[] PreparedTransactions { get; init; } = [];
        public bool HasAutovacuum { get; init; }
        public bool IsWraparound { get; init; }
        public string[] OtherBuilds { get; init; } = [];
        public long[] IndexesBeingBuilt { get; init; } = [];
        public int ActiveSessions { get; init; }
        public int Standbys { get; init; }
        public double? LagSeconds { get; init; }
    }
}

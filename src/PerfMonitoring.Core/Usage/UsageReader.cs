using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>The servers and the period for the usage of indexes.</summary>
internal sealed record UsageScope
{
    /// <summary>Sessions on the standbys of the server, whose scans also count.</summary>
    public IReadOnlyList<IMonitoringConnection> Replicas { get; init; } = [];

    /// <summary>
    /// How long an index must not have been scanned to count as unused; at least <see cref="StatisticsAge.Minimum"/>.
    /// </summary>
    public TimeSpan Window { get; init; } = DropVerdict.DefaultWindow;
}

/// <summary>The live usage of all indexes, on the server and on its standbys, with the verdicts.</summary>
internal static class UsageReader
{
    /// <summary>Reads and judges every index, by table and name.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="scope">The standbys and the period.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">SessionIsStandby, ReplicaIsNotStandby, ReplicaOfOtherServer, ReplicaUnknown, or
    /// an error of a server.</exception>
    public static async Task<IReadOnlyList<IndexUsageStat>> GetAsync(
        IMonitoringConnection connection, UsageScope scope, CancellationToken cancellationToken)
    {
        var (indexes, foreignKeys, state) = await connection.IndexUsage.ReadAsync(cancellationToken);
        if (state.IsStandby && scope.Replicas.Count > 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.SessionIsStandby, FailureKind.InvalidArgument,
                $"-Replica: the session itself, on {connection.Target}, is on a standby.",
                "Pass -Session with a session on the primary; the last one that was connected is the default.",
                connection.Target);
        }

        var standbys = new List<(string Server, UsageFacts Facts)>();
        foreach (var replica in scope.Replicas)
        {
            // Object identifiers are the same on a physical standby, provided that it is a standby of this server.
            CheckIdentity(connection.Target, replica.Target);
            var facts = await replica.IndexUsage.ReadAsync(cancellationToken);
            if (!facts.State.IsStandby)
            {
                throw new PerfMonitoringException(
                    ErrorIds.ReplicaIsNotStandby, FailureKind.InvalidArgument, $"-Replica: {replica.Target} is not a standby.",
                    "Pass sessions on standbys; the primary's is -Session.", replica.Target);
            }

            // Two sessions on the same server count once.
            if (!standbys.Exists(s => s.Facts.State.StartedAt == facts.State.StartedAt))
            {
                standbys.Add((Server(replica.Target), facts));
            }
        }

        // Twice the period: the last row before its start shows what happened since.
        var history = (await connection.IndexUsage.GetScansAsync(state.Now - (2 * scope.Window), cancellationToken))
            .ToLookup(s => s.IndexOid);
        indexes = [
            .. Add(Server(connection.Target), indexes, state, standbys)
            .Select(i => i with { History = [.. history[i.Index.Oid]] })];
        state = state.With([.. standbys.Select(s => s.Facts.State)]);
        var verdicts = DropVerdict.Judge(indexes, foreignKeys, state, scope.Window, connection.Target.MajorVersion >= 18);
        return [.. indexes.Select(i => IndexUsageStat.From(i, verdicts[i.Index.Oid], state, connection.Target))];
    }

    private static void CheckIdentity(ServerTarget primary, ServerTarget replica)
    {
        if (primary.SystemIdentifier is null || replica.SystemIdentifier is null)
        {
            throw new PerfMonitoringException(
                ErrorIds.ReplicaUnknown, FailureKind.PermissionDenied,
                $"-Replica: it cannot be seen whether {replica} is a standby of {primary}, for the role may not read the "
                    + $"system identifier.",
                "Run on the primary: grant execute on function pg_catalog.pg_control_system() to the role.", replica);
        }

        if (!primary.IsSameDatabaseAs(replica))
        {
            throw new PerfMonitoringException(
                ErrorIds.ReplicaOfOtherServer, FailureKind.InvalidArgument,
                primary.SystemIdentifier == replica.SystemIdentifier
                    ? $"-Replica: the session on {replica} is of another database than {primary}."
                    : $"-Replica: {replica} is no standby of {primary}: their system identifiers differ.",
                "Pass sessions on the standbys of this server, connected to the same database.", replica);
        }
    }

    private static IEnumerable<IndexUsage> Add(
        string server, IReadOnlyList<IndexUsage> indexes, StatisticsState state,
        IReadOnlyList<(string Server, UsageFacts Facts)> standbys)
    {
        var nodes = standbys.Select(s => (s.Server, s.Facts.State.Since, ByOid: s.Facts.Indexes.ToDictionary(i => i.Index.Oid)))
            .ToList();
        return indexes.Select(index =>
        {
            // A standby that has not replayed the creation of the index has no counter of it: unknown.
            var all = nodes.Select(n => (n.Server, n.Since, Index: n.ByOid.GetValueOrDefault(index.Index.Oid)))
                .Prepend((Server: server, state.Since, Index: index)).ToList();
            return index with
            {
                Scans = Sum(all.Select(n => n.Index?.Scans)),
                TuplesRead = Sum(all.Select(n => n.Index?.TuplesRead)),
                TuplesFetched = Sum(all.Select(n => n.Index?.TuplesFetched)),
                LastScan = all.Max(n => n.Index?.LastScan),
                Counts = [.. all.Select(n => new ScanCount(n.Server, n.Index?.Scans, n.Since, n.Index?.LastScan))],
            };
        });
    }

    private static long? Sum(IEnumerable<long?> counts) => counts.Aggregate((long?)0, (sum, count) => sum + count);

    private static string Server(ServerTarget target) => $"{target.HostName}:{target.Port}";
}

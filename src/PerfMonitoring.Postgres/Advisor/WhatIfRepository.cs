using PerfMonitoring.Advisor;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;

namespace PerfMonitoring.Postgres.Advisor;

/// <summary>What-if through HypoPG.</summary>
internal sealed class WhatIfRepository(Database target) : IWhatIfRepository
{
    public async Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken) =>
        await HypoPg.TryOpenAsync(target, statementTimeout, cancellationToken)
        ?? throw new PerfMonitoringException(
            "HypoPgMissing", FailureKind.NotInstalled,
            $"{target.Target} has no HypoPG extension, without which the planner cannot be asked about indexes that are not there.",
            "Install its package on the server (Debian and Ubuntu: postgresql-" + target.Target.MajorVersion
            + "-hypopg) and run, in this database: create extension hypopg;", target.Target);
}

using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>What-if sessions with HypoPG.</summary>
internal sealed class HypoPgRepository(Database target) : IWhatIfRepository
{
    // Two connections of the pool are left for other statements.
    public int MaximumSessions { get; } = Math.Max(
        1, new NpgsqlConnectionStringBuilder(target.Source.ConnectionString).MaxPoolSize - 2);

    public async Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken) =>
        await HypoPg.TryOpenAsync(target, statementTimeout, cancellationToken)
        ?? throw new PerfMonitoringException(
            ErrorIds.HypoPgMissing, FailureKind.NotInstalled,
            $"{target.Target} has no HypoPG extension, without which the planner cannot be asked about indexes that are not "
                + $"there.",
            "Install its package on the server (Debian and Ubuntu: postgresql-" + target.Target.MajorVersion
            + "-hypopg) and run, in this database: create extension hypopg; on a copy of the database, -WhatIfMethod "
            + "Transaction does without.", target.Target);
}

/// <summary>What-if sessions with real indexes that are rolled back.</summary>
internal sealed class BuiltIndexesRepository(Database target, bool despiteOthers) : IWhatIfRepository
{
    // A second session would have to build the same indexes again.
    public int MaximumSessions => 1;

    public async Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken) =>
        await BuiltIndexes.OpenAsync(target, statementTimeout, despiteOthers, cancellationToken);
}

using Dapper;
using DbUp.Engine;
using DbUp.Postgresql;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The store's schema. DbUp creates it; its journal is perf_monitoring.schema_version.</summary>
internal sealed class StoreRepository(Database store) : IStoreRepository
{
    private const string Schema = "perf_monitoring";
    private static readonly TimeSpan LockPollInterval = TimeSpan.FromMilliseconds(200);

    private const string Folder = "PerfMonitoring.Postgres.Store.Migrations.";

    private static readonly IReadOnlyList<StoreMigration> Migrations =
    [
        .. Sql.All.Where(r => r.StartsWith(Folder, StringComparison.Ordinal))
            .Select(r => new StoreMigration(r[Folder.Length..], Sql.Read(r, marked: false)))
            .OrderBy(m => m.Name, StringComparer.Ordinal),
    ];

    /// <summary>DbUp's table of applied migrations.</summary>
    internal const string Journal = "schema_version";

    /// <summary>Every migration, in order.</summary>
    internal static IReadOnlyList<StoreMigration> AllMigrations => Migrations;

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken) =>
        (await GetPendingAsync(cancellationToken)).Count == 0;

    /// <summary>Whether a store of any version was ever created here.</summary>
    public Task<bool> ExistsAsync(CancellationToken cancellationToken) => store.QuerySingleOrDefaultAsync<bool>(
        Sql.Get("GetJournalExists"), null, cancellationToken);

    public async Task<IReadOnlyList<StoreMigration>> GetPendingAsync(CancellationToken cancellationToken)
    {
        var applied = await GetAppliedAsync(cancellationToken);
        return [.. Migrations.Where(m => !applied.Contains(m.Name))];
    }

    public Task<IReadOnlyList<StoreMigration>> UpgradeAsync(CancellationToken cancellationToken) => store.RunAsync(
        async () =>
        {
            // A separate connection holds the lock, so the second of two upgrades waits and then has nothing to do.
            await using var gate = await store.ConnectAsync(cancellationToken);
            while (!await gate.QuerySingleAsync<bool>(new CommandDefinition(
                Sql.Get("TryLockStore"),
                cancellationToken: cancellationToken)))
            {
                await Task.Delay(LockPollInterval, cancellationToken);
            }

            IReadOnlyList<StoreMigration> pending;
            DatabaseUpgradeResult? result;
            try
            {
                pending = await GetPendingAsync(cancellationToken);
                result = pending.Count == 0 ? null : Engine(await GetOwnerAsync(cancellationToken)).PerformUpgrade();
            }
            finally
            {
                // A pooled connection would keep the lock until its next use.
                await gate.ExecuteAsync(new CommandDefinition(
                    Sql.Get("UnlockStore"),
                    cancellationToken: CancellationToken.None));
            }

            if (result is { Successful: false })
            {
                throw Failed(pending, result, cancellationToken);
            }

            return pending;
        },
        cancellationToken);

    private async Task<HashSet<string>> GetAppliedAsync(CancellationToken cancellationToken)
    {
        var version = store.Target.ServerVersionNumber;
        if (!await ExistsAsync(cancellationToken))
        {
            return [];
        }

        var applied = await store.QueryAsync<string>(
            Sql.Get("GetAppliedMigrations"), null, cancellationToken);
        var known = Migrations.Select(m => m.Name).ToHashSet();
        return applied.FirstOrDefault(a => !known.Contains(a)) is { } newer
            ? throw new PerfMonitoringException(
                ErrorIds.StoreTooNew, FailureKind.NotSupported,
                $"The store in {store.Target} has migration {newer}, which this version of PerfMonitoring does not know.",
                "Update the PerfMonitoring module.", newer)
            : [.. applied];
    }

    // Later objects belong to the creator of the store, so that one store has one owner.
    private async Task<string?> GetOwnerAsync(CancellationToken cancellationToken)
    {
        var owner = await store.QuerySingleOrDefaultAsync<OwnerRow>(
            Sql.Get("GetOwner"), null, cancellationToken);
        return owner is null or { IsUs: true } ? null
            : owner.CanBeUs ? owner.Name
            : throw new PerfMonitoringException(
                ErrorIds.PermissionDenied, FailureKind.PermissionDenied,
                $"{store.Target}: schema {Schema} belongs to {owner.Name}, and {store.UserName} is not a member of that role.",
                $"Run Initialize-PerfMonitoringStore as {owner.Name}, or: grant {Identifier.Quote(owner.Name)} to "
                    + $"{Identifier.Quote(store.UserName)};", Schema);
    }

    private PerfMonitoringException Failed(
        IReadOnlyList<StoreMigration> pending, DatabaseUpgradeResult result, CancellationToken cancellationToken)
    {
        var cause = Failures.TryTranslate(result.Error, store.Target.ToString(), cancellationToken) as PerfMonitoringException;
        if (cause is { ErrorId: ErrorIds.StoreFull } or { Kind: FailureKind.PermissionDenied or FailureKind.ConnectionFailed })
        {
            return cause;
        }

        // The result does not name the script if the connection broke before or after it ran. It is the first script that was not
        // applied.
        var done = result.Scripts.Select(s => s.Name).ToHashSet();
        var name = result.ErrorScript?.Name ?? pending.First(m => !done.Contains(m.Name)).Name;
        return new PerfMonitoringException(
            ErrorIds.StoreMigrationFailed, FailureKind.ServerError,
            $"{store.Target}: migration {name} failed and was rolled back: "
                + $"{(result.Error as PostgresException)?.MessageText ?? result.Error.Message}",
            "Fix the cause and run Initialize-PerfMonitoringStore again; what was applied before stays.", name, result.Error);
    }

    private UpgradeEngine Engine(string? owner) => PostgresqlExtensions
        .PostgresqlDatabase(new PostgresqlConnectionManager(store.Source), Schema)
        .WithScripts(
            Migrations.Select(
                m => new SqlScript(m.Name, owner is null ? m.Sql : $"set local role {Identifier.Quote(owner)};\n{m.Sql}")))
        .JournalToPostgresqlTable(Schema, Journal)
        .WithTransactionPerScript()
        .WithVariablesDisabled()
        .WithExecutionTimeout(TimeSpan.FromMinutes(5))
        .LogToNowhere()
        .Build();

    private sealed class OwnerRow
    {
        public string Name { get; init; } = "";
        public bool IsUs { get; init; }
        public bool CanBeUs { get; init; }
    }
}

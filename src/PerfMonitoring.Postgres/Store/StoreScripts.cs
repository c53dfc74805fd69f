using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The statements of an upgrade of the store, in one transaction.</summary>
internal sealed class StoreScripts(
    Database store, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
{
    public Task<IReadOnlyList<T>> QueryAsync<T>(string file, object? parameters, string schema = StoreSchema.Own) =>
        QueryAsync<T>(file, parameters, schema, schema);

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string file, object? parameters, string schema, string from) =>
        (await connection.QueryAsync<T>(Command(Text(file, schema, from), parameters))).AsList();

    public Task<int> ExecuteAsync(string file, object? parameters, string schema = StoreSchema.Own) =>
        ExecuteAsync(file, parameters, schema, schema);

    public Task<int> ExecuteAsync(string file, object? parameters, string schema, string from) =>
        connection.ExecuteAsync(Command(Text(file, schema, from), parameters));

    /// <summary>Runs a statement that a query of ours made.</summary>
    public Task<int> RunAsync(string sql) => connection.ExecuteAsync(Command(sql, null));

    /// <summary>Whether a schema has a table.</summary>
    public async Task<bool> HasTableAsync(string schema, string table) =>
        (await QueryAsync<string>("GetStoreTables", new { SchemaName = schema, Tables = new[] { table } })).Count > 0;

    /// <summary>Whether there is a schema.</summary>
    public async Task<bool> HasSchemaAsync(string schema) =>
        (await QueryAsync<OwnerRow>("GetOwner", new { SchemaName = schema })).Count > 0;

    /// <summary>The migrations of a set that a schema lacks, in order.</summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew.</exception>
    public async Task<IReadOnlyList<StoreMigration>> GetPendingAsync(MigrationScripts set, string schema)
    {
        var applied = await HasTableAsync(schema, set.Journal)
            ? (await QueryAsync<string>(
                set == MigrationScripts.Data ? "GetAppliedMigrations" : "GetAppliedRegistryMigrations", null, schema)).ToHashSet()
            : [];
        var known = set.Scripts.Select(m => m.Name).ToHashSet();
        return applied.FirstOrDefault(a => !known.Contains(a)) is { } newer
            ? throw new PerfMonitoringException(
                ErrorIds.StoreTooNew, FailureKind.NotSupported,
                $"The store in {store.Target} has migration {newer} in schema {schema}, which this version of PerfMonitoring "
                    + $"does not know.",
                "Update the PerfMonitoring module.", newer)
            : [.. set.Scripts.Where(m => !applied.Contains(m.Name))
                .Select(m => m with { SchemaName = schema, Sql = Sql.InSchema(m.Sql, schema) })];
    }

    /// <summary>Applies migrations of a set to a schema, which is made if it is missing, with the rights of its owner.</summary>
    /// <param name="set">The set.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="until">The last migration to apply; null for all.</param>
    public async Task<IReadOnlyList<StoreMigration>> MigrateAsync(MigrationScripts set, string schema, string? until = null)
    {
        var pending = (await GetPendingAsync(set, schema))
            .Where(m => until is null || string.CompareOrdinal(m.Name, until) <= 0).ToList();
        if (pending.Count == 0)
        {
            return pending;
        }

        await ActAsOwnerAsync(schema);
        if (!await HasTableAsync(schema, set.Journal))
        {
            await RunAsync(Sql.InSchema(Sql.Get(set == MigrationScripts.Data ? "AddJournal" : "AddRegistryJournal"), schema));
        }

        foreach (var migration in pending)
        {
            await RunNamedAsync(migration);
            await ExecuteAsync(
                set == MigrationScripts.Data ? "AddMigration" : "AddRegistryMigration", new { migration.Name }, schema);
        }

        await RunAsync(Sql.Get("ResetRole"));
        return pending;
    }

    // What is added later belongs to the creator of the schema, so that one schema has one owner.
    private async Task ActAsOwnerAsync(string schema)
    {
        var owner = (await QueryAsync<OwnerRow>("GetOwner", new { SchemaName = schema })).SingleOrDefault();
        if (owner is null)
        {
            await ExecuteAsync("AddSchema", null, schema);
        }
        else if (!owner.IsUs)
        {
            await RunAsync(owner.CanBeUs ? $"set {Sql.Marker} local role {Identifier.Quote(owner.Name)}"
                : throw new PerfMonitoringException(
                    ErrorIds.PermissionDenied, FailureKind.PermissionDenied,
                    $"{store.Target}: schema {schema} belongs to {owner.Name}, and {store.UserName} is not a member of that "
                        + $"role.",
                    $"Run Initialize-PerfMonitoringStore as {owner.Name}, or: grant {Identifier.Quote(owner.Name)} to "
                        + $"{Identifier.Quote(store.UserName)};", schema));
        }
    }

    private async Task RunNamedAsync(StoreMigration migration)
    {
        try
        {
            await RunAsync(migration.Sql);
        }
        catch (PostgresException e) when (e.SqlState is not (PostgresErrorCodes.DiskFull or PostgresErrorCodes.IoError
            or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.AdminShutdown
            or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.ReadOnlySqlTransaction))
        {
            throw new PerfMonitoringException(
                ErrorIds.StoreMigrationFailed, FailureKind.ServerError,
                $"{store.Target}: migration {migration.Name} of schema {migration.SchemaName} failed, and the whole upgrade was "
                    + $"rolled back: {e.MessageText}",
                "Fix the cause and run Initialize-PerfMonitoringStore again.", migration.Name, ServerText.WithoutValues(e));
        }
    }

    private static string Text(string file, string schema, string from) =>
        Sql.InSchema(Sql.Get(file), schema).Replace("{{from}}", from, StringComparison.Ordinal);

    // Rows of a large log may take long to move.
    private CommandDefinition Command(string sql, object? parameters) => new(
        sql, parameters, transaction, (int)ConnectionSettings.MaximumCommandTimeout.TotalSeconds,
        cancellationToken: cancellationToken);

    private sealed class OwnerRow
    {
        public string Name { get; init; } = "";
        public bool IsUs { get; init; }
        public bool CanBeUs { get; init; }
    }
}

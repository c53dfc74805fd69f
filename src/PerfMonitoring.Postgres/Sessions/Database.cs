using System.Data;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// One database and its connection pool. Every statement of the module goes through this class, so every failure of the server
/// becomes a <see cref="PerfMonitoringException"/>. The SQL text always comes from a file of this project; values are always
/// parameters.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    private const int MaximumAttempts = 5;

    static Database()
    {
        TypeHandlers.Register();
        Encoding.RegisterProvider(new LenientUtf8());
    }

    private readonly string searchPath;
    private readonly IReadOnlyList<string> pooledSettings;
    private readonly ServerHealth? health;
    private readonly TimeSpan connectTimeout;
    private readonly Func<CancellationToken, Task<string?>>? findStore;
    private readonly Func<ValueTask>? release;
    private volatile string? storeSchema;

    private Database(
        NpgsqlDataSource source, ServerTarget target, string userName, string searchPath, IReadOnlyList<string> pooledSettings,
        bool isPooled, IReadOnlyList<string> warnings, ServerHealth? health, TimeSpan connectTimeout,
        Func<CancellationToken, Task<string?>>? findStore = null, Func<ValueTask>? release = null)
    {
        Warnings = warnings;
        Source = source;
        Target = target;
        UserName = userName;
        this.searchPath = searchPath;
        this.pooledSettings = pooledSettings;
        IsPooled = isPooled;
        this.health = health;
        this.connectTimeout = connectTimeout;
        this.findStore = findStore;
        this.release = release;
    }

    public ServerTarget Target { get; }

    public string UserName { get; }

    /// <summary>Warnings for the user about a connection that works.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// The search path of the user's sessions. It is in force only inside a transaction that plans a statement of the user
    /// (<see cref="SearchPathCommand"/>). Our statements run with <see cref="SessionSettings.SearchPath"/>.
    /// </summary>
    public string UserSearchPath => searchPath;

    /// <summary>
    /// Whether a pooler stands between the module and the server. The next transaction may then get another session, which other
    /// clients use too, so nothing is set, locked or prepared for longer than a transaction.
    /// </summary>
    public bool IsPooled { get; }

    /// <summary>For the libraries that open connections themselves.</summary>
    public NpgsqlDataSource Source { get; }

    public static Task<Database> OpenAsync(ConnectionSettings settings, CancellationToken cancellationToken) =>
        OpenAsync(settings, LibpqEnvironment.OfProcess, cancellationToken);

    /// <summary>Opens a database with other variables and another home folder than those of the process.</summary>
    public static async Task<Database> OpenAsync(
        ConnectionSettings settings, LibpqEnvironment environment, CancellationToken cancellationToken)
    {
        var plan = ConnectionStrings.Build(settings, environment);
        var address = plan.Address;
        var limit = TimeSpan.FromSeconds(plan.Builder.Timeout);
        // Of several hosts another one may answer.
        var health = plan.Servers.Count == 1 ? ServerHealth.Of(plan.Servers[0]) : null;
        NpgsqlDataSource? source = null;
        // One limit for connection and statements together: a server that does not answer costs one. A server that has answered
        // gets it once more, because it is only slow. As in libpq, each of several hosts has its time.
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            if (health is not null)
            {
                await health.EnterAsync(address, limit, cancellationToken);
            }

            deadline.CancelAfter(limit * plan.Servers.Count);
            var (greeting, isPooled) = await GreetAsync(plan, deadline.Token);
            deadline.CancelAfter(limit);
            if (greeting.Version < 130000)
            {
                throw new PerfMonitoringException(
                    ErrorIds.ServerTooOld, FailureKind.NotSupported,
                    $"{address} runs PostgreSQL {greeting.Version / 10000}; PerfMonitoring needs 13 or later.",
                    "Connect to a newer server.", address);
            }

            plan.JudgeServer(greeting.IsStandby, greeting.ReadOnly == "on");
            address = plan.Address;
            source = CreateSource(plan, Configure(plan.Builder, greeting, isPooled));
            var server = await QueryServerAsync(source, greeting, isPooled, deadline.Token);
            if (!isPooled && !IsOurs(server.SearchPath))
            {
                // A pooler may pass on the id of the server's process. If it drops startup parameters, it is still recognized as
                // a pooler.
                isPooled = true;
                await source.DisposeAsync();
                source = CreateSource(plan, Configure(plan.Builder, greeting, isPooled));
            }

            // Behind a pooler the server sees the pooler's connection, so its view of the encryption does not count.
            plan.JudgeEncryption(plan.TriedEncryption && (isPooled || server.IsEncrypted != false));
            var target = new ServerTarget
            {
                HostName = plan.Servers[0].ShownName,
                Port = plan.Servers[0].Port,
                Database = server.DatabaseName,
                DatabaseOid = server.DatabaseOid,
                SystemIdentifier = server.SystemIdentifier,
                ServerVersionNumber = greeting.Version,
            };
            return new Database(
                source, target, server.UserName, greeting.SearchPath, greeting.PooledSettings, isPooled, plan.Warnings,
                ServerHealth.Of(plan.Servers[0]), limit);
        }
        catch (Exception e)
        {
            if (source is not null)
            {
                await source.DisposeAsync();
            }

            var isLate = deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested
                && e is not PerfMonitoringException;
            if (isLate || ServerHealth.IsSilence(e))
            {
                health?.Rest(limit);
            }

            if (isLate)
            {
                throw Failures.NotConnectedInTime(address, e);
            }

            if (plan.Explain(Failures.TryTranslate(e, address, cancellationToken)) is { } failure)
            {
                throw failure;
            }

            throw;
        }
    }

    /// <summary>
    /// The same database, used as the store. Its statements name the store's schema as {{store}}, and run only after a check
    /// that the schema is trusted.
    /// </summary>
    /// <param name="findStore">
    /// Returns the schema; null if there is no store. It throws if the store is not trusted.
    /// </param>
    public Database AsStore(Func<CancellationToken, Task<string?>> findStore) => new(
        Source, Target, UserName, searchPath, pooledSettings, IsPooled, Warnings, health, connectTimeout, findStore);

    /// <summary>The same database with the same pool; to dispose it only calls <paramref name="release"/>.</summary>
    public Database Share(Func<ValueTask> release) => new(
        Source, Target, UserName, searchPath, pooledSettings, IsPooled, Warnings, health, connectTimeout, release: release);

    /// <summary>The statement of a file, for work in a transaction; {{store}} becomes the store's schema.</summary>
    public string Text(string file) => InStore(Sql.Get(file));

    /// <summary>
    /// Opens a dedicated session for what outlives a transaction: advisory locks, hypothetical indexes, statements outside of
    /// transactions.
    /// </summary>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <param name="mustTry">Whether to try even a server that did not answer a moment ago, for a clean-up.</param>
    /// <exception cref="PerfMonitoringException">PooledConnection: a pooler gives no dedicated session.</exception>
    public async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken, bool mustTry = false)
    {
        if (IsPooled)
        {
            throw Failures.Pooled(Target.ToString());
        }

        await GuardAsync(cancellationToken);
        return await RunAsync(() => OpenConnectionAsync(cancellationToken, mustTry), cancellationToken);
    }

    /// <summary>Sets the user's search path for the next statement of the transaction.</summary>
    public NpgsqlBatchCommand SearchPathCommand() =>
        new(Sql.Get("SetSearchPath")) {
            Parameters = { new NpgsqlParameter("SearchPath", searchPath) } };

    /// <summary>
    /// The schemas in which a name without a schema is looked up, in order. Only schemas that exist and that the role may use are
    /// included.
    /// </summary>
    public Task<string[]> GetUserSchemasAsync(CancellationToken cancellationToken) => InTransactionAsync(
        async (connection, transaction) =>
        {
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(SearchPathCommand());
            batch.BatchCommands.Add(
                new NpgsqlBatchCommand(Sql.Get("GetUserSchemas")));
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return reader.GetFieldValue<string[]>("current_schemas");
        },
        cancellationToken);

    /// <summary>Returns all rows at once, for results that are always small.</summary>
    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            async (connection, transaction) =>
            {
                var rows = await connection.QueryAsync<T>(
                    new CommandDefinition(InStore(sql), parameters, transaction, cancellationToken: cancellationToken));
                return (IReadOnlyList<T>)rows.AsList();
            },
            cancellationToken);

    /// <summary>Returns one value or row; default if there is none.</summary>
    public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            (connection, transaction) => connection.QuerySingleOrDefaultAsync<T>(
                new CommandDefinition(InStore(sql), parameters, transaction, cancellationToken: cancellationToken)),
            cancellationToken);

    /// <summary>Runs a statement and returns the number of affected rows.</summary>
    public Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            (connection, transaction) => connection.ExecuteAsync(
                new CommandDefinition(InStore(sql), parameters, transaction, cancellationToken: cancellationToken)),
            cancellationToken);

    /// <summary>Runs work in one transaction. The transaction is committed at the end and rolled back on failure.</summary>
    /// <remarks>
    /// The work restarts if the server rolled it back because of another transaction (deadlock, serialization failure).
    /// </remarks>
    public async Task<T> InTransactionAsync<T>(
        Func<NpgsqlConnection, NpgsqlTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        await GuardAsync(cancellationToken);
        return await AgainAfterDeadlockAsync(
            () => RunAsync(() => TransactAsync(work, cancellationToken), cancellationToken), cancellationToken);
    }

    /// <summary>Streams rows without a buffer. The map reads the columns of the current row by name.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        string sql, object? parameters, Func<DbDataReader, T> map, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await GuardAsync(cancellationToken);
        await using var connection = await RunAsync(
            () => OpenConnectionAsync(cancellationToken), cancellationToken);
        await using var transaction = IsPooled
            ? await RunAsync(() => BeginPooledAsync(connection, cancellationToken), cancellationToken) : null;
        await using var reader = await RunAsync(
            () => connection.ExecuteReaderAsync(
                new CommandDefinition(InStore(sql), parameters, transaction, cancellationToken: cancellationToken)),
            cancellationToken);
        while (true)
        {
            T item;
            try
            {
                if (!await reader.ReadAsync(cancellationToken))
                {
                    break;
                }

                item = map(reader);
            }
            catch (Exception e) when (TryTranslate(e, cancellationToken) is { } failure)
            {
                throw failure;
            }

            yield return item;
        }
    }

    /// <summary>
    /// Runs work on connections of this database and translates a failure of the server into an error that a user can act upon.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (TryTranslate(e, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    public ValueTask DisposeAsync() => release?.Invoke() ?? Source.DisposeAsync();

    /// <summary>Looks the store up again at its next use, because its schema was made, moved or dropped.</summary>
    public void ForgetStore() => storeSchema = null;

    // The check runs once a session, and is repeated until a store passes it.
    private async Task GuardAsync(CancellationToken cancellationToken)
    {
        if (findStore is not null && storeSchema is null)
        {
            storeSchema = await findStore(cancellationToken) ?? throw Failures.StoreMissing(Target.ToString(), inner: null);
        }
    }

    private string InStore(string sql) => storeSchema is { } schema ? Sql.InSchema(sql, schema) : sql;

    private Exception? TryTranslate(Exception exception, CancellationToken cancellationToken)
    {
        var failure = Failures.TryTranslate(exception, Target.ToString(), cancellationToken);
        if (failure is PerfMonitoringException { ErrorId: ErrorIds.NoAnswer })
        {
            health?.Suspect();
        }

        return failure is null || findStore is null ? failure : Failures.OfStore(failure, Target.ToString());
    }

    private async Task<NpgsqlConnection> OpenConnectionAsync(CancellationToken cancellationToken, bool mustTry = false)
    {
        if (health is not null && !mustTry)
        {
            await health.EnterAsync(Target.ToString(), connectTimeout, cancellationToken);
        }

        try
        {
            return await Source.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception e) when (ServerHealth.IsSilence(e))
        {
            health?.Rest(connectTimeout);
            throw;
        }
    }

    // The server may have ended a session that waited in the pool (idle_session_timeout, a restart). A statement that fails for
    // this reason did not run, so it is sent once more on a new connection. A statement that somebody ended while it ran is not
    // repeated.
    private async Task<T> RunStatementAsync<T>(
        Func<NpgsqlConnection, NpgsqlTransaction?, Task<T>> statement, CancellationToken cancellationToken)
    {
        await GuardAsync(cancellationToken);
        var since = Stopwatch.GetTimestamp();
        try
        {
            return await AgainAfterDeadlockAsync(RunOnceAsync, cancellationToken);
        }
        catch (PerfMonitoringException e) when (
            e is { Kind: FailureKind.ConnectionFailed, InnerException: PostgresException }
                && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1))
        {
            Source.Clear();
            return await RunOnceAsync();
        }

        Task<T> RunOnceAsync() => RunAsync(
            async () =>
            {
                if (IsPooled)
                {
                    return await TransactAsync(statement, cancellationToken);
                }

                await using var connection = await OpenConnectionAsync(cancellationToken);
                return await statement(connection, null);
            },
            cancellationToken);
    }

    private async Task<T> TransactAsync<T>(
        Func<NpgsqlConnection, NpgsqlTransaction, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var connection = await OpenConnectionAsync(cancellationToken);
        await using var transaction = IsPooled
            ? await BeginPooledAsync(connection, cancellationToken)
            : await connection.BeginTransactionAsync(cancellationToken);
        var result = await work(connection, transaction);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    private Task<NpgsqlTransaction> BeginPooledAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        BeginPooledAsync(connection, pooledSettings, cancellationToken);

    // A pooler's session may keep settings of other clients.
    private static async Task<NpgsqlTransaction> BeginPooledAsync(
        NpgsqlConnection connection, IReadOnlyList<string> settings, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var setting in settings)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(setting));
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }

    // The server rolls the victim of a deadlock back as a whole, so no work is done twice.
    private static async Task<T> AgainAfterDeadlockAsync<T>(Func<Task<T>> transaction, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await transaction();
            }
            catch (PerfMonitoringException e) when (
                attempt < MaximumAttempts
                && e.InnerException is PostgresException {
                    SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure })
            {
                // Without a random wait the same two transactions would meet again.
                await Task.Delay(Random.Shared.Next(10, 100 << attempt), cancellationToken);
            }
        }
    }

    // Our settings are not in force here. A single session without a pool is used, in which the driver sends no statements.
    private static async Task<(Greeting Greeting, bool IsPooled)> GreetAsync(
        ConnectionPlan plan, CancellationToken cancellationToken)
    {
        await using var source = CreateSource(
            plan, new NpgsqlConnectionStringBuilder(plan.Builder.ConnectionString) { Pooling = false });
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        plan.Pin(connection);
        var greeting = await connection.QuerySingleAsync<Greeting>(
            new CommandDefinition(Sql.Get("GetGreeting"), cancellationToken: cancellationToken));
        // A pooler represents many server processes, so it invents the key by which a client cancels a statement.
        return (greeting, greeting.ProcessId != connection.ProcessID);
    }

    private static NpgsqlConnectionStringBuilder Configure(
        NpgsqlConnectionStringBuilder builder, Greeting greeting, bool isPooled)
    {
        var configured = new NpgsqlConnectionStringBuilder(builder.ConnectionString)
        {
            SearchPath = null,
            ClientEncoding = greeting.ClientEncoding,
        };
        if (isPooled)
        {
            // A pooler refuses startup parameters that it does not know. A reset would affect a session that other clients use.
            (configured.Options, configured.NoResetOnClose) = (null, true);
        }
        else
        {
            configured.Options = SessionSettings.ToOptions(builder.Options, greeting.Version);
        }

        return configured;
    }

    // The driver's query for the server's types has unqualified operators, so the driver must not send it. Batched and prepared
    // commands would outlive a transaction.
    private static NpgsqlDataSource CreateSource(ConnectionPlan plan, NpgsqlConnectionStringBuilder builder)
    {
        builder.Multiplexing = false;
        builder.MaxAutoPrepare = 0;
        builder.Enlist = false;
        // Detects a lost peer although nothing is sent: after 10 s, and three more probes. A Unix socket refuses these options,
        // and its peer is on this machine.
        (builder.TcpKeepAlive, builder.TcpKeepAliveTime, builder.TcpKeepAliveInterval) =
            plan.Servers.Any(s => s.IsSocket) ? (false, 0, 0) : (true, 10, 5);
        var source = new NpgsqlDataSourceBuilder(builder.ConnectionString)
            .ConfigureTypeLoading(types => types.EnableTypeLoading(false))
            .UseLoggerFactory(new StatementLogger(plan.Address));
        plan.Configure(source);
        try
        {
            return source.Build();
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            // The cause may quote a value.
            throw new PerfMonitoringException(
                ErrorIds.InvalidConnectionString, FailureKind.InvalidArgument,
                $"The settings of the connection to {plan.Address} do not fit each other.",
                "Check sizes and lifetimes of the pool, and leave out what you do not need.", plan.Address);
        }
    }

    private static async Task<ServerRow> QueryServerAsync(
        NpgsqlDataSource source, Greeting greeting, bool isPooled, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        var server = await QueryAsync<ServerRow>("GetServer");
        try
        {
            return server with { SystemIdentifier = await QueryAsync<long>("GetSystemIdentifier") };
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFunction)
        {
            // Some managed services revoke this right. The address then identifies the server.
            return server;
        }

        async Task<T> QueryAsync<T>(string name)
        {
            await using var transaction = isPooled
                ? await BeginPooledAsync(connection, greeting.PooledSettings, cancellationToken) : null;
            return await connection.QuerySingleAsync<T>(
                new CommandDefinition(
                    Sql.Get(name), null, transaction, cancellationToken: cancellationToken));
        }
    }

    private static bool IsOurs(string path) =>
        path.Replace(" ", "", StringComparison.Ordinal) == SessionSettings.SearchPath.Replace(" ", "", StringComparison.Ordinal);

    private sealed class Greeting
    {
        public int ProcessId { get; init; }
        public string ServerVersionNumber { get; init; } = "";
        public string SearchPath { get; init; } = "";
        public string ServerEncoding { get; init; } = "";
        public bool IsStandby { get; init; }
        public string ReadOnly { get; init; } = "";
        public int Version => int.Parse(ServerVersionNumber, CultureInfo.InvariantCulture);
        public string ClientEncoding => SessionSettings.ClientEncoding(ServerEncoding);
        public IReadOnlyList<string> PooledSettings => SessionSettings.ToStatements(Version, ClientEncoding, IsStandby);
    }

    private sealed record ServerRow
    {
        public uint DatabaseOid { get; init; }
        public string DatabaseName { get; init; } = "";
        public string UserName { get; init; } = "";
        public string SearchPath { get; init; } = "";
        public bool? IsEncrypted { get; init; }
        public long? SystemIdentifier { get; init; }
    }
}

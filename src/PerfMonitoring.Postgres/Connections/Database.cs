using System.Data.Common;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;
using PerfMonitoring.Model;

namespace PerfMonitoring.Postgres.Connections;

/// <summary>
/// One database and its connection pool. Every statement of the product goes through here, so every failure of the server comes out
/// as a <see cref="PerfMonitoringException"/>. Text is always a file of this project's; values are always parameters.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    static Database() => TypeHandlers.Register();

    private Database(NpgsqlDataSource source, ServerTarget target, string userName)
    {
        Source = source;
        Target = target;
        UserName = userName;
    }

    public ServerTarget Target { get; }

    public string UserName { get; }

    /// <summary>For the libraries that open connections themselves.</summary>
    public NpgsqlDataSource Source { get; }

    public static async Task<Database> OpenAsync(ConnectionSettings settings, CancellationToken cancellationToken)
    {
        var builder = ConnectionStrings.Build(settings);
        var source = new NpgsqlDataSourceBuilder(builder.ConnectionString).Build();
        var address = $"{builder.Host}:{builder.Port}/{builder.Database}";
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            var server = await connection.QuerySingleAsync<ServerRow>(
                new CommandDefinition(Sql.Get(typeof(Database), "GetServer", int.MaxValue), cancellationToken: cancellationToken));
            if (server.ServerVersionNumber < 130000)
            {
                throw new PerfMonitoringException(
                    "ServerTooOld", FailureKind.NotSupported,
                    $"{address} runs PostgreSQL {connection.PostgreSqlVersion}; PerfMonitoring needs 13 or later.", "Connect to a newer server.", address);
            }

            var target = new ServerTarget
            {
                HostName = builder.Host!,
                Port = builder.Port,
                Database = server.DatabaseName,
                DatabaseOid = server.DatabaseOid,
                SystemIdentifier = await GetSystemIdentifierAsync(connection, cancellationToken),
                ServerVersionNumber = server.ServerVersionNumber,
            };
            return new Database(source, target, server.UserName);
        }
        catch (Exception e)
        {
            await source.DisposeAsync();
            if (Failures.TryTranslate(e, address, cancellationToken) is { } failure)
            {
                throw failure;
            }

            throw;
        }
    }

    /// <summary>A connection of one's own, for session state (advisory locks, hypothetical indexes) or several statements in a row.</summary>
    public Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken) =>
        RunAsync(() => Source.OpenConnectionAsync(cancellationToken).AsTask(), cancellationToken);

    /// <summary>All rows, for results that are small by nature.</summary>
    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            async () =>
            {
                await using var connection = await Source.OpenConnectionAsync(cancellationToken);
                var rows = await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
                return (IReadOnlyList<T>)rows.AsList();
            },
            cancellationToken);

    /// <summary>One value or row; default when there is none.</summary>
    public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            async () =>
            {
                await using var connection = await Source.OpenConnectionAsync(cancellationToken);
                return await connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
            },
            cancellationToken);

    /// <summary>Runs a statement; returns the number of rows that it touched.</summary>
    public Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken cancellationToken) =>
        RunStatementAsync(
            async () =>
            {
                await using var connection = await Source.OpenConnectionAsync(cancellationToken);
                return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
            },
            cancellationToken);

    /// <summary>Rows as they arrive; nothing is buffered. The map reads the current row by ordinal.</summary>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        string sql, object? parameters, Func<DbDataReader, T> map, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        await using var reader = await RunAsync(
            () => connection.ExecuteReaderAsync(new CommandDefinition(sql, parameters, commandTimeout: 0, cancellationToken: cancellationToken)),
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
            catch (Exception e) when (Failures.TryTranslate(e, Target.ToString(), cancellationToken) is { } failure)
            {
                throw failure;
            }

            yield return item;
        }
    }

    /// <summary>Runs work on connections of this database and translates what the server says into an error that a user can act upon.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (Failures.TryTranslate(e, Target.ToString(), cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    // A session that waited in the pool may have been ended by the server (idle_session_timeout, a restart). A statement that is answered with that was not
    // done, so it is run once more, on a new connection; not one that somebody ended while it ran.
    private async Task<T> RunStatementAsync<T>(Func<Task<T>> statement, CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        try
        {
            return await RunAsync(statement, cancellationToken);
        }
        catch (PerfMonitoringException e) when (
            e is { Kind: FailureKind.ConnectionFailed, InnerException: PostgresException } && Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1))
        {
            Source.Clear();
            return await RunAsync(statement, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    // Some managed services take the right away; the address then has to do.
    private static async Task<long?> GetSystemIdentifierAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.ExecuteScalarAsync<long>(
                new CommandDefinition(Sql.Get(typeof(Database), "GetSystemIdentifier", int.MaxValue), cancellationToken: cancellationToken));
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedFunction)
        {
            return null;
        }
    }

    private sealed class ServerRow
    {
        public int ServerVersionNumber { get; init; }
        public uint DatabaseOid { get; init; }
        public string DatabaseName { get; init; } = "";
        public string UserName { get; init; } = "";
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace PerfMonitoring.Sandbox;

/// <summary>The stop modes of pg_ctl.</summary>
public enum StopMode
{
    /// <summary>Waits until the clients have disconnected.</summary>
    Smart,

    /// <summary>Rolls back and disconnects the clients.</summary>
    Fast,

    /// <summary>Stops like a crash; recovery follows at the next start.</summary>
    Immediate,
}

/// <summary>
/// A private PostgreSQL server on a free loopback port, in a temporary folder. Dispose stops the server and deletes the folder.
/// If this process dies before that, a guard process does it (not on Windows).
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    /// <summary>The superuser's name.</summary>
    public const string UserName = "postgres";

    private const int StartAttempts = 5;

    private static readonly string[] Preloadable = ["pg_stat_statements", "auto_explain"];

    private readonly PostgresInstallation installation;
    private Process? guard;

    private PostgresCluster(PostgresInstallation installation, string? password)
    {
        this.installation = installation;
        Password = password;
        Folder = Path.Combine(Path.GetTempPath(), "perfmonitoring-" + RandomNumberGenerator.GetHexString(12, lowercase: true));
    }

    /// <summary>Always the loopback address.</summary>
    public static string HostName => "127.0.0.1";

    /// <summary>The TCP port that the server listens on.</summary>
    public int Port { get; private set; }

    /// <summary>The server's major version, such as 15.</summary>
    public int MajorVersion => installation.MajorVersion;

    /// <summary>The superuser's password; null if loopback is trusted.</summary>
    public string? Password { get; }

    /// <summary>The temporary folder that holds all files of the server.</summary>
    public string Folder { get; }

    /// <summary>The server's programs.</summary>
    public PostgresInstallation Installation => installation;

    /// <summary>The whole log of the server.</summary>
    public string ServerLog => File.Exists(LogPath) ? ReadShared(LogPath) : "";

    private string DataPath => Path.Combine(Folder, "data");

    private string LogPath => Path.Combine(Folder, "server.log");

    /// <summary>A TCP port of the loopback address that is free at present.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Creates a cluster and starts it.</summary>
    /// <exception cref="PostgresMissingException">There are no server programs.</exception>
    /// <exception cref="InvalidOperationException">The server did not start; the message holds what it logged.</exception>
    public static async Task<PostgresCluster> StartAsync(ClusterOptions options, CancellationToken cancellationToken)
    {
        var installation = options.Installation ?? PostgresInstallation.Find()
            ?? throw new PostgresMissingException(
                $"no PostgreSQL server programs found; install PostgreSQL or set {PostgresInstallation.BinVariable}");
        var cluster = new PostgresCluster(
            installation, options.RequirePassword ? RandomNumberGenerator.GetHexString(24) : null);
        try
        {
            cluster.StartGuard();
            await cluster.InitializeAsync(options, cancellationToken);
            await cluster.StartOnFreePortAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>An Npgsql connection string for the superuser.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = HostName,
        Port = Port,
        Username = UserName,
        Password = Password,
        Database = database,
        ApplicationName = "PerfMonitoring.Sandbox",
        // A pool would keep connections to databases that are dropped soon and to servers that are stopped soon.
        Pooling = false,
    }.ConnectionString;

    /// <summary>
    /// The variables that point libpq's programs, and other programs that read them, at a database of this server.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment(string database)
    {
        var variables = new Dictionary<string, string>
        {
            ["PGHOST"] = HostName,
            ["PGPORT"] = Port.ToString(CultureInfo.InvariantCulture),
            ["PGUSER"] = UserName,
            ["PGDATABASE"] = database,
        };
        if (Password is not null)
        {
            variables["PGPASSWORD"] = Password;
        }

        return variables;
    }

    /// <summary>Creates a database; null gives it a unique name.</summary>
    /// <returns>The database's name.</returns>
    public async Task<string> CreateDatabaseAsync(string? name, CancellationToken cancellationToken)
    {
        name ??= "db_" + RandomNumberGenerator.GetHexString(8, lowercase: true);
        await ExecuteAsync(UserName, $"create database {Quote(name)}", cancellationToken);
        return name;
    }

    /// <summary>Drops a database and ends its connections.</summary>
    public Task DropDatabaseAsync(string name, CancellationToken cancellationToken) =>
        ExecuteAsync(UserName, $"drop database if exists {Quote(name)} with (force)", cancellationToken);

    /// <summary>Runs SQL text, one or several statements, as the superuser, without a time limit.</summary>
    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Starts a standby that streams from this server, on another free port. It accepts queries as soon as it runs.
    /// </summary>
    /// <param name="slot">The name of a physical replication slot to create and use, or null for none.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PostgresMissingException">The installation has no pg_basebackup.</exception>
    public async Task<PostgresCluster> StartStandbyAsync(string? slot, CancellationToken cancellationToken)
    {
        var program = installation.Tool("pg_basebackup")
            ?? throw new PostgresMissingException($"{installation.BinDirectory} has no pg_basebackup");
        var standby = new PostgresCluster(installation, Password);
        try
        {
            standby.StartGuard();
            await ServerProgram.CheckAsync(
                program,
                [
                    "-D", standby.DataPath, "-d", $"host={HostName} port={Port} user={UserName} password='{Password}'", "-R",
                    "-X", "stream", "-c", "fast",
                    "--no-sync", .. slot is null ? Array.Empty<string>() : ["-C", "-S", slot],
                ],
                cancellationToken);
            await standby.StartOnFreePortAsync(cancellationToken);
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the server and keeps its data for <see cref="RestartAsync"/>.</summary>
    public Task StopAsync(StopMode mode, CancellationToken cancellationToken) =>
        PgCtlAsync(["stop", "-w", "-m", mode.ToString().ToLowerInvariant()], cancellationToken);

    /// <summary>Starts the server on its old port; a running server is stopped first (fast).</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(DataPath, "postmaster.pid")))
        {
            await StopAsync(StopMode.Fast, cancellationToken);
        }

        await PgCtlAsync(["start", "-w", "-l", LogPath, "-o", $"-p {Port}"], cancellationToken);
    }

    /// <summary>Stops the server and deletes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (guard is { } process)
        {
            // There is one clean-up path: the guard does the same as after a kill of this process.
            guard = null;
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        else if (OperatingSystem.IsWindows() && Directory.Exists(Folder))
        {
            if (File.Exists(Path.Combine(DataPath, "postmaster.pid")))
            {
                await StopAsync(StopMode.Immediate, CancellationToken.None);
            }

            Directory.Delete(Folder, recursive: true);
        }
    }

    // The guard waits for the end of its standard input, which comes however this process ends. It ignores the terminal's Ctrl+C.
    // So does the server, which outlives this process for a moment.
    private void StartGuard()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Folder);
            return;
        }

        const string script = """
            trap '' INT TERM HUP
            umask 077
            mkdir "$2" && echo ready
            exec >/dev/null 2>&1
            while read -r line; do :; done
            if [ -f "$2/data/postmaster.pid" ]; then "$1" stop -D "$2/data" -m immediate -w; fi
            rm -rf "$2"
            """;
        guard = ServerProgram.Start("/bin/sh", ["-c", script, "sh", installation.Tool("pg_ctl")!, Folder]);
        if (guard.StandardOutput.ReadLine() != "ready")
        {
            throw new InvalidOperationException($"Cannot make {Folder}: {guard.StandardError.ReadToEnd().Trim()}");
        }
    }

    private async Task InitializeAsync(ClusterOptions options, CancellationToken cancellationToken)
    {
        // The locale is not C, so that prefix searches need text_pattern_ops, as on most servers.
        var locale = OperatingSystem.IsLinux() ? "C.UTF-8" : "C";
        string[] authentication = ["-A", "trust"];
        if (Password is not null)
        {
            var passwordFile = Path.Combine(Folder, "password");
            await File.WriteAllTextAsync(passwordFile, Password, cancellationToken);
            authentication = ["-A", "scram-sha-256", $"--pwfile={passwordFile}"];
        }

        await ServerProgram.CheckAsync(
            installation.Tool("initdb")!,
            ["-D", DataPath, "-U", UserName, "-E", "UTF8", $"--locale={locale}", "--no-sync", .. authentication],
            cancellationToken);

        var preload = options.PreloadExtensions
            ? Preloadable.Where(installation.HasLibrary)
            : [];
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = HostName,
            ["unix_socket_directories"] = "",
            ["fsync"] = "off",
            ["full_page_writes"] = "off",
            ["max_wal_size"] = "4GB",
            ["shared_buffers"] = "256MB",
            ["track_io_timing"] = "on",
            ["shared_preload_libraries"] = string.Join(',', preload),
        };
        foreach (var (name, value) in options.Settings)
        {
            settings[name] = value;
        }

        await File.AppendAllLinesAsync(
            Path.Combine(DataPath, "postgresql.conf"),
            settings.Select(setting => $"{setting.Key} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'"),
            cancellationToken);
    }

    private async Task StartOnFreePortAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            Port = FreePort();
            try
            {
                await PgCtlAsync(["start", "-w", "-l", LogPath, "-o", $"-p {Port}"], cancellationToken);
                return;
            }
            catch (InvalidOperationException) when (
                attempt < StartAttempts && ServerLog.Contains("could not bind", StringComparison.Ordinal))
            {
                // Another process took the port before the server did: try another one.
            }
            catch (InvalidOperationException failure)
            {
                throw new InvalidOperationException($"{failure.Message}\n{ServerLog}", failure);
            }
        }
    }

    private Task PgCtlAsync(string[] arguments, CancellationToken cancellationToken) =>
        ServerProgram.CheckAsync(
            installation.Tool("pg_ctl")!, [arguments[0], "-D", DataPath, "-t", "60", .. arguments[1..]], cancellationToken);

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static string Quote(string identifier) => '"' + identifier.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}

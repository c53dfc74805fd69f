using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

/// <summary>A PgBouncer in transaction mode before a server of the sandbox, on a free port of loopback.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    /// <summary>The number of server sessions that all clients share.</summary>
    public const int PoolSize = 6;

    private readonly Process process;
    private readonly string folder;

    private PgBouncer(Process process, string folder, int port) => (this.process, this.folder, Port) = (process, folder, port);

    /// <summary>The port on 127.0.0.1 for clients.</summary>
    public int Port { get; }

    /// <summary>Starts a PgBouncer. Skips the test if the machine has none; in CI that is a failure.</summary>
    public static async Task<PgBouncer> StartAsync(PostgresCluster cluster)
    {
        var program = new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer" }.FirstOrDefault(
            File.Exists);
        if (program is null)
        {
            if (Environment.GetEnvironmentVariable("CI") == "true")
            {
                throw new InvalidOperationException("There is no pgbouncer; build.sh installs it.");
            }

            Assert.Skip("There is no pgbouncer on this machine.");
        }

        var port = PostgresCluster.FreePort();
        var folder = Directory.CreateTempSubdirectory("perfmonitoring-bouncer-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            // PgBouncer drops the rights of root before it reads its files.
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }

        var users = Path.Combine(folder, "users");
        await File.WriteAllTextAsync(users, $"\"{PostgresCluster.UserName}\" \"\"\n");
        var settings = Path.Combine(folder, "pgbouncer.ini");
        await File.WriteAllTextAsync(settings, $"""
            [databases]
            * = host=127.0.0.1 port={cluster.Port} user={PostgresCluster.UserName}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = {PoolSize}
            max_client_conn = 200
            """);
        var start = new ProcessStartInfo(
            program, Environment.IsPrivilegedProcess ? ["-q", "-u", "postgres", settings] : ["-q", settings])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        var bouncer = new PgBouncer(Process.Start(start)!, folder, port);
        await bouncer.UntilItListensAsync();
        return bouncer;
    }

    /// <summary>
    /// Connects to a database through the pooler. The client knows only one rule of poolers: it resets nothing.
    /// </summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={Port};Username={PostgresCluster.UserName};Database={database};Pooling=false;No Reset On "
                + $"Close=true");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task UntilItListensAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (attempt < 300 && !process.HasExited)
            {
                await Task.Delay(100);
            }
        }
    }
}

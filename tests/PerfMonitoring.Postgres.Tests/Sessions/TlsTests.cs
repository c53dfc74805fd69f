using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using PerfMonitoring.Common;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// A server with certificates of every kind. The module accepts and refuses the same as libpq, and the error names the reason.
/// </summary>
public sealed class TlsTests(TlsServer server) : IClassFixture<TlsServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The server's certificate, the connection, and the text of the error; null if the connection works.</summary>
    public static TheoryData<string, string, string?> Cases => new()
    {
        { "good", "host=localhost sslmode=verify-full sslrootcert={root}", null },
        { "good", "host=127.0.0.1 sslmode=verify-full sslrootcert={root}", null },
        { "good", "host=db.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={root}",
            "is made out to localhost, *.wild.example.org, 127.0.0.1, not to db.example.org" },
        { "good", "host=127.0.0.2 sslmode=verify-full sslrootcert={root}", "not to 127.0.0.2" },
        { "good", "host=a.wild.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={root}", null },
        { "good", "host=a.b.wild.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={root}",
            "not to a.b.wild.example.org" },
        { "good", "host=wild.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={root}", "not to wild.example.org" },
        { "good", "host=db.example.org hostaddr=127.0.0.1 sslmode=verify-ca sslrootcert={root}", null },
        { "good", "host=localhost sslmode=verify-full sslrootcert={other}",
            "was issued under 'CN=test root', which {other} does not hold: subject 'CN=good', issuer 'CN=test root', SHA-1 "
                + "thumbprint " },
        { "good", "host=localhost sslmode=verify-ca sslrootcert={other}", "which {other} does not hold" },
        { "good", "host=localhost sslmode=require sslrootcert={other}", "which {other} does not hold" },
        { "good", "host=localhost sslmode=require", null },
        { "good", "host=localhost sslmode=verify-full sslrootcert={both}", null },
        { "good", "host=localhost sslmode=verify-ca sslrootcert=/nowhere/root.crt",
            "The root certificate file /nowhere/root.crt does not exist" },
        { "good", "host=localhost sslmode=verify-ca sslrootcert={broken}", "The root certificate file {broken} cannot be read" },
        { "good", "host=localhost sslmode=verify-ca", "does not exist, and verify-ca needs one" },
        { "good", "host=localhost sslmode=verify-full", "which the list of the operating system's trusted roots does not hold" },
        { "chain", "host=localhost sslmode=verify-full sslrootcert={root}", null },
        { "common", "host=localhost sslmode=verify-full sslrootcert={root}", null },
        { "common", "host=other hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={root}",
            "is made out to localhost, not to other" },
        { "expired", "host=localhost sslmode=verify-full sslrootcert={root}", "expired on 2021-01-01" },
        { "expired", "host=localhost sslmode=verify-ca sslrootcert={root}",
            "subject 'CN=expired', issuer 'CN=test root', SHA-1 thumbprint" },
        { "early", "host=localhost sslmode=verify-full sslrootcert={root}", "is not valid before 2090-01-01" },
        { "client", "host=localhost sslmode=verify-full sslrootcert={root}", "NotValidForUsage" },
        { "self", "host=localhost sslmode=verify-full sslrootcert={root}", "is self-signed, and {root} does not hold it" },
        { "self", "host=localhost sslmode=verify-full sslrootcert={self}", null },
        { "self", "host=localhost sslmode=prefer", null },
        { "off", "host=localhost sslmode=require", "offers no TLS" },
        { "off", "host=localhost sslmode=verify-full sslrootcert={root}", "offers no TLS" },
        { "off", "host=localhost sslmode=prefer", null },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={me.key}", null },
        { "good", "host=localhost user=certified sslmode=require", "refused the login" },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={me.key} sslcertmode=disable",
            "refused the login" },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={exposed.key}",
            "The private key file {exposed.key} has group or world access" },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={wrong.key}",
            "cannot be used with the private key" },
        { "good", "host=localhost user=certified sslmode=require sslcert={broken} sslkey={me.key}",
            "cannot be used with the private key" },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey=/nowhere/me.key",
            "The private key file /nowhere/me.key does not exist" },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={locked.key} sslpassword=S3cret", null },
        { "good", "host=localhost user=certified sslmode=require sslcert={me.crt} sslkey={locked.key} sslpassword=wr0ng",
            "cannot be used with the private key" },
        { "good", "host=localhost sslmode=require ssl_min_protocol_version=TLSv1.3", null },
        { "good", "host=localhost sslmode=verify-full sslrootcert={root} sslsni=0", null },
    };

    // These cases are not compared with psql, because libpq of PostgreSQL 15 behaves differently: it does not know sslcertmode,
    // it ignores a missing file that the module reports, and it uses system roots only if told to.
    private static readonly string[] OursAlone = ["sslcertmode", "sslkey={locked.key}"];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_error_says_what_is_wrong_and_libpq_agrees(string certificate, string text, string? says)
    {
        await server.UseAsync(certificate);
        var conninfo = server.Fill(text) + (text.Contains("user=", StringComparison.Ordinal) ? "" : " user=postgres")
            + $" port={server.Cluster.Port} dbname=postgres";
        PerfMonitoringException? error = null;
        try
        {
            await using var database = await Database.OpenAsync(
                new ConnectionSettings { ConnectionString = conninfo }, server.Environment, Token);
        }
        catch (PerfMonitoringException e)
        {
            error = e;
        }

        if (says is null)
        {
            Assert.Null(error);
        }
        else
        {
            Assert.NotNull(error);
            Assert.Contains(server.Fill(says), error.Message, StringComparison.Ordinal);
            Assert.NotEmpty(error.Remedy!);
            Assert.DoesNotContain("S3cret", error.ToString(), StringComparison.Ordinal);
        }

        if (!OursAlone.Any(word => text.Contains(word, StringComparison.Ordinal)))
        {
            Assert.Equal(error is null, await server.PsqlConnectsAsync(conninfo));
        }
    }

    [Theory]
    [InlineData("good", "", "is encrypted, but nobody checked")]
    [InlineData("off", "", "is not encrypted")]
    [InlineData("off", "sslmode=prefer", "is not encrypted")]
    [InlineData("good", "sslmode=prefer", null)]
    [InlineData("good", "sslmode=require", null)]
    [InlineData("off", "sslmode=disable", null)]
    [InlineData("good", "sslmode=verify-ca sslrootcert={root}", null)]
    public async Task A_server_that_is_not_here_is_not_trusted_in_silence(string certificate, string text, string? warning)
    {
        await server.UseAsync(certificate);
        var away = Dns.GetHostAddresses(Dns.GetHostName())
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
        Assert.SkipWhen(away is null, "This machine has no address but its own loopback.");

        await using var far = await OpenAsync($"host=localhost hostaddr={away}");
        await using var near = await OpenAsync("host=localhost");

        Assert.Empty(near.Warnings);
        if (warning is null)
        {
            Assert.Empty(far.Warnings);
        }
        else
        {
            Assert.Contains(warning, Assert.Single(far.Warnings), StringComparison.Ordinal);
            Assert.Contains("-SslMode verify-full", far.Warnings[0], StringComparison.Ordinal);
        }

        Task<Database> OpenAsync(string host) => Database.OpenAsync(
            new ConnectionSettings {
                ConnectionString = $"{host} user=postgres dbname=postgres port={server.Cluster.Port} {server.Fill(text)}" },
                server.Environment, Token);
    }

    [Fact]
    public async Task Of_several_hosts_the_first_that_fits_is_the_session_s()
    {
        await server.UseAsync("off");
        await using var database = await OpenAsync("any");

        Assert.Equal(("localhost", server.Cluster.Port), (database.Target.HostName, database.Target.Port));
        await using var writable = await OpenAsync("read-write");
        var error = await Assert.ThrowsAsync<PerfMonitoringException>(() => OpenAsync("standby"));
        Assert.Contains("127.0.0.1:1,localhost:", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<PerfMonitoringException>(() => Database.OpenAsync(
            new ConnectionSettings {
                ConnectionString = $"host=localhost port={server.Cluster.Port} user=postgres target_session_attrs=standby" },
                server.Environment, Token));
        Assert.Equal("WrongServer", error.ErrorId);

        Task<Database> OpenAsync(string attributes) => Database.OpenAsync(
            new ConnectionSettings {
                ConnectionString =
                $"postgres://postgres@127.0.0.1:1,localhost:{server.Cluster.Port}/postgres?target_session_attrs={attributes}" },
            server.Environment, Token);
    }
}

/// <summary>A private server whose certificate can be changed, and the files of its clients.</summary>
public sealed class TlsServer : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("pm-tls-").FullName;
    private PostgresCluster? cluster;
    private string used = "";

    public PostgresCluster Cluster => cluster!;

    /// <summary>A home without files, and no variables.</summary>
    internal LibpqEnvironment Environment => new(_ => null, Path.Combine(folder, "home"));

    public string Fill(string text) =>
        text.Replace("{", folder + "/", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);

    public async ValueTask InitializeAsync()
    {
        cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions {
            Settings = new Dictionary<string, string> { ["listen_addresses"] = "*" }, PreloadExtensions = false });
        await ExecuteAsync("create role certified login superuser");
        await WriteOnServerAsync(
            "pg_hba.conf",
            "local all all trust\nhostssl all certified all cert\nhost all certified all reject\nhost all all all trust\n");
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        using var root = Authority("test root");
        using var other = Authority("other root");
        using var middle = Issue("middle", root, from, to, isAuthority: true);
        using var good = Issue("good", root, from, to);
        using var chain = Issue("chain", middle, from, to);
        using var common = Issue("localhost", root, from, to, names: false);
        using var expired = Issue(
            "expired", root, new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2021, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var early = Issue("early", root, new(2090, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2091, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var client = Issue("client", root, from, to, usage: "1.3.6.1.5.5.7.3.2");
        using var self = Issue("self", null, from, to);
        using var me = Issue("certified", root, from, to, names: false, usage: "1.3.6.1.5.5.7.3.2");
        foreach (var (name, certificate, more) in ((string, X509Certificate2, string)[])[
            ("good", good, ""), ("chain", chain, middle.ExportCertificatePem()), ("common", common, ""), ("expired", expired, ""),
            ("early", early, ""), ("client", client, ""), ("self", self, ""),
        ])
        {
            await WriteOnServerAsync(name + ".crt", certificate.ExportCertificatePem() + "\n" + more + "\n");
            await WriteOnServerAsync(name + ".key", certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem() + "\n");
        }

        await WriteOnServerAsync("clients.crt", root.ExportCertificatePem() + "\n");
        Write("root", root.ExportCertificatePem());
        Write("other", other.ExportCertificatePem());
        Write("both", other.ExportCertificatePem() + "\n" + root.ExportCertificatePem());
        Write("self", self.ExportCertificatePem());
        Write("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        Write("me.crt", me.ExportCertificatePem());
        Write("me.key", me.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Write("wrong.key", good.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Write("locked.key",
            me.GetRSAPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(
                "S3cret", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        Write("exposed.key", me.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem(), UnixFileMode.OtherRead);
    }

    /// <summary>Makes the server use a certificate, or none ("off"), for new connections.</summary>
    public async Task UseAsync(string certificate)
    {
        if (certificate == used)
        {
            return;
        }

        await ExecuteAsync(certificate == "off"
            ? "alter system set ssl = off"
            : $"alter system set ssl_cert_file = '{certificate}.crt'; alter system set ssl_key_file = '{certificate}.key'; "
                + $"alter system set ssl_ca_file = 'clients.crt'; alter system set ssl = on");
        used = certificate;
        await ExecuteAsync("select pg_reload_conf()");
        // The postmaster reads its settings with a delay, and then shows the new value.
        var expected = certificate == "off" ? "off" : $"on {certificate}.crt";
        for (var i = 0; i < 100; i++)
        {
            await using var connection = new Npgsql.NpgsqlConnection(Cluster.ConnectionString("postgres"));
            await connection.OpenAsync();
            await using var command = new Npgsql.NpgsqlCommand(
                "select current_setting('ssl') || case current_setting('ssl') when 'on' then ' ' || "
                    + "current_setting('ssl_cert_file') else '' end", connection);
            if ((string?)await command.ExecuteScalarAsync() == expected)
            {
                return;
            }

            await Task.Delay(50);
        }

        throw new InvalidOperationException($"The server does not use {certificate}.");
    }

    /// <summary>Whether psql connects, in an environment without files and variables.</summary>
    public async Task<bool> PsqlConnectsAsync(string conninfo)
    {
        var start = new ProcessStartInfo(Cluster.Installation.Tool("psql") ?? "psql", ["-X", "-w", "-c", "select 1", conninfo]) {
            RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in start.Environment.Keys.Where(n => n.StartsWith("PG", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["HOME"] = Path.Combine(folder, "home");
        using var psql = Process.Start(start)!;
        await Task.WhenAll(psql.StandardOutput.ReadToEndAsync(), psql.StandardError.ReadToEndAsync());
        await psql.WaitForExitAsync();
        return psql.ExitCode == 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    // ALTER SYSTEM cannot run in a transaction, and several statements at once are one.
    private async Task ExecuteAsync(string sql)
    {
        foreach (var statement in sql.Split(';'))
        {
            await Cluster.ExecuteAsync("postgres", statement, CancellationToken.None);
        }
    }

    // The server owns its files, and no other user can read them.
    private Task WriteOnServerAsync(string name, string text) => Cluster.ExecuteAsync(
        "postgres",
        $"copy (select '{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}') to program 'umask 077; base64 -d > {name}'",
        CancellationToken.None);

    private void Write(string name, string text, UnixFileMode others = UnixFileMode.None)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | others);
        }
    }

    private static X509Certificate2 Authority(string name) =>
        Issue(name, null, DateTimeOffset.UtcNow.AddYears(-10), DateTimeOffset.UtcNow.AddYears(70), isAuthority: true);

    private static X509Certificate2 Issue(
        string name, X509Certificate2? issuer, DateTimeOffset from, DateTimeOffset to, bool isAuthority = false,
        bool names = true, string usage = "1.3.6.1.5.5.7.3.1")
    {
        var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
            if (names)
            {
                var alternatives = new SubjectAlternativeNameBuilder();
                alternatives.AddDnsName("localhost");
                alternatives.AddDnsName("*.wild.example.org");
                alternatives.AddIpAddress(IPAddress.Loopback);
                request.CertificateExtensions.Add(alternatives.Build());
            }
        }

        if (issuer is null)
        {
            return request.CreateSelfSigned(from, to);
        }

        using var signed = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForRSA(issuer.GetRSAPrivateKey()!, RSASignaturePadding.Pkcs1), from,
            to, RandomNumberGenerator.GetBytes(16));
        return signed.CopyWithPrivateKey(key);
    }
}

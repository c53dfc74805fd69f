using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using System.Security;
using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

public sealed class SessionTests(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private readonly ModuleRunspace session = new();

    public void Dispose() => session.Dispose();

    [Fact]
    public void The_variables_of_libpq_are_heeded()
    {
        using var variables = new Variables(database.Cluster.Environment(database.Name));

        var made = session.Invoke("Connect-PerfMonitoring").Only();

        Assert.Equal(database.Name, made.Properties["Database"].Value);
        Assert.Equal(database.Cluster.Port, made.Properties["Port"].Value);
        Assert.Equal(PostgresCluster.UserName, made.Properties["UserName"].Value);
    }

    [Fact]
    public async Task Passwords_come_from_a_credential_or_a_file_and_are_never_shown()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions { RequirePassword = true });
        const string script =
            "Connect-PerfMonitoring -HostName $args[0] -Port $args[1] -Database postgres -Credential $args[2] -Verbose";
        const string wrong = "wr0ng-s3cret";

        var refused = session.Invoke(script, PostgresCluster.HostName, cluster.Port, Credential(wrong));
        var taken = session.Invoke(script, PostgresCluster.HostName, cluster.Port, Credential(cluster.Password!)).MustSucceed();

        Assert.StartsWith(
            "AuthenticationFailed", Assert.Single(refused.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.PermissionDenied, refused.AllErrors[0].CategoryInfo.Category);
        Assert.DoesNotContain(wrong, Everything(refused), StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Password!, Everything(taken), StringComparison.Ordinal);

        var file = Path.Combine(cluster.Folder, "pgpass");
        await File.WriteAllTextAsync(
            file, $"{PostgresCluster.HostName}:*:*:{PostgresCluster.UserName}:{cluster.Password}\n",
            TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using (new Variables(new Dictionary<string, string> { ["PGPASSFILE"] = file, ["PGUSER"] = PostgresCluster.UserName }))
        {
            session.Invoke(
                "Connect-PerfMonitoring -HostName $args[0] -Port $args[1] -Database postgres", PostgresCluster.HostName,
                cluster.Port).MustSucceed();
        }

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            using var variables = new Variables(
                new Dictionary<string, string> { ["PGPASSFILE"] = file, ["PGUSER"] = PostgresCluster.UserName });
            var exposed = Assert.Single(
                session.Invoke(
                    "Connect-PerfMonitoring -HostName $args[0] -Port $args[1] -Database postgres", PostgresCluster.HostName,
                    cluster.Port).AllErrors);
            Assert.StartsWith("AuthenticationFailed", exposed.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("has group or world access, so it is ignored", exposed.ToString(), StringComparison.Ordinal);
        }

        await cluster.StopAsync(StopMode.Immediate, TestContext.Current.CancellationToken);
        var gone = Assert.Single(session.Invoke("Test-PerfMonitoringPrerequisite").AllErrors);
        Assert.StartsWith("ConnectionFailed", gone.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(cluster.Port.ToString(CultureInfo.InvariantCulture), gone.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_of_this_machine_is_a_server_like_another()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows keeps its sockets where this test does not look.");
        // Relative to the folder of the data.
        await using var cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions { Settings = new Dictionary<string, string> { ["unix_socket_directories"] = "." } });
        await using var own = await TestDatabase.OnAsync(cluster);
        await own.ExecuteAsync("create table orders (id int, customer_id int)");
        var folder = await own.ScalarAsync<string>("show data_directory");

        var made = session.Invoke(
            "Connect-PerfMonitoring -HostName $args[0] -Port $args[1] -Database $args[2] -Credential $args[3]", folder,
            cluster.Port, own.Name, Credential("unused")).Only();
        var built = session.Invoke(
            "$null = Initialize-PerfMonitoringStore; New-IndexStrategy orders customer_id | Invoke-IndexCreation -Confirm:$false")
            .Only();

        Assert.Equal($"{folder}:{cluster.Port}/{own.Name}", $"{made.Properties["Target"].Value}");
        Assert.Equal("Created", $"{built.Properties["State"].Value}");
    }

    [Theory]
    [InlineData("Connect-PerfMonitoring -HostName 127.0.0.1 -Port 1 -Database x", "ConnectionFailed", "127.0.0.1:1/x")]
    [InlineData("Connect-PerfMonitoring -ConnectionString 'Nonsense=s3cret'", "InvalidConnectionString", "-ConnectionString")]
    [InlineData("Connect-PerfMonitoring -ConnectionString 'Port=s3cret'", "InvalidConnectionString", "port in -ConnectionString")]
    [InlineData(
        "Connect-PerfMonitoring -ConnectTimeout 0s", "InvalidConnectTimeout",
        "-ConnectTimeout is 00:00:00; it must be from 1s to 15m")]
    [InlineData("Connect-PerfMonitoring -ConnectTimeout 16m", "InvalidConnectTimeout", "-ConnectTimeout")]
    [InlineData("Connect-PerfMonitoring -ConnectTimeout '-00:00:05'", "InvalidConnectTimeout", "-ConnectTimeout")]
    [InlineData("Connect-PerfMonitoring -CommandTimeout 00:00:00.5", "InvalidCommandTimeout", "-CommandTimeout")]
    [InlineData(
        "Connect-PerfMonitoring -CommandTimeout 2d", "InvalidCommandTimeout",
        "-CommandTimeout is 2.00:00:00; it must be from 1s to 1d")]
    [InlineData("Connect-PerfMonitoring db1 -Pasword s3cret", "UnexpectedArgument", "no parameter -Pasword")]
    [InlineData("Get-PerfMonitoringSession nobody", "SessionNotFound", "nobody")]
    [InlineData("Test-PerfMonitoringPrerequisite", "NotConnected", "no session")]
    [InlineData("Test-PerfMonitoringPrerequisite -Session nobody", "SessionNotFound", "nobody")]
    [InlineData("Disconnect-PerfMonitoring", "NotConnected", "no session")]
    public void What_cannot_work_says_so(string script, string errorId, string message)
    {
        var error = Assert.Single(session.Invoke(script).AllErrors);

        Assert.StartsWith(errorId + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
        Assert.DoesNotContain("s3cret", error.Exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Connect-PerfMonitoring 127.0.0.1 x -Port $args[0] -ConnectTimeout 1s")]
    [InlineData(
        "Connect-PerfMonitoring -ConnectionString \"Host=127.0.0.1;Port=$($args[0]);Database=x;Timeout=900\" -ConnectTimeout 1s")]
    public void A_server_that_keeps_silent_is_given_up(string script)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var error = Assert.Single(session.Invoke(script, ((IPEndPoint)silent.LocalEndpoint).Port).AllErrors);

        Assert.StartsWith("NoAnswer,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    /// <summary>Input that may contain a password, and a command that might show it.</summary>
    public static TheoryData<string> Typed =>
    [
        "Connect-PerfMonitoring -ConnectionString 'host=127.0.0.1 port=1 user=u password=S3cret'",
        "Connect-PerfMonitoring -ConnectionString 'postgresql://u:S3cret@127.0.0.1:1/d'",
        "Connect-PerfMonitoring -ConnectionString 'Host=127.0.0.1;Port=1;Username=u;Password=S3cret'",
        "Connect-PerfMonitoring -ConnectionString 'host=127.0.0.1 port=1 user=u password=S3cret' -CommandTimeout 5s -Verbose",
        "Connect-PerfMonitoring 'host=127.0.0.1 port=1 user=u password=S3cret'",
        "Connect-PerfMonitoring 'postgres://u:S3cret@127.0.0.1:1/d'",
        "Connect-PerfMonitoring 'Host=127.0.0.1;Port=1;Password=S3cret'",
        "Connect-PerfMonitoring 'u:S3cret@127.0.0.1'",
        "Connect-PerfMonitoring 127.0.0.1 'postgres://u:S3cret@127.0.0.1:1/d'",
        "Connect-PerfMonitoring 127.0.0.1 'host=127.0.0.1 password=S3cret'",
        "Connect-PerfMonitoring -ConnectionString $where -StoreConnectionString 'host=127.0.0.1 port=1 user=u password=S3cret'",
        "Connect-PerfMonitoring -ConnectionString $where -StoreConnectionString 'postgres://u:x/S3cret@127.0.0.1:1/d'",
        "Connect-PerfMonitoring -ConnectionString $where -StoreHostName 'postgres://u:S3cret@127.0.0.1:1/d'",
        "Connect-PerfMonitoring -ConnectionString $where -StoreHostName 127.0.0.1 -StoreDatabase 'password=S3cret'",
        "Connect-PerfMonitoring -ConnectionString $where -StoreConnectionString 'Host=h;Passwort=S3cret'",
        "Connect-PerfMonitoring host=h user=u password=S3cret",
        "Connect-PerfMonitoring 127.0.0.1 d S3cret",
        "Connect-PerfMonitoring 127.0.0.1 d -Pasword S3cret",
        "Connect-PerfMonitoring -ConnectionString host=h user=u password=S3cret",
        "[pscustomobject]@{ HostName = 'postgres://u:S3cret@127.0.0.1:1/d' } | Connect-PerfMonitoring",
    ];

    [Theory]
    [MemberData(nameof(Typed))]
    public void A_password_that_was_typed_is_shown_nowhere(string script)
    {
        session.Set("where", database.ConnectionString);

        var result = session.Invoke(script);

        Assert.NotEmpty(result.AllErrors);
        Assert.DoesNotContain("S3cret", Everything(result), StringComparison.Ordinal);
        Assert.All(
            result.AllErrors, e =>
                Assert.DoesNotContain(
                    "S3cret", $"{e.CategoryInfo.TargetName} {e.ErrorDetails?.RecommendedAction}", StringComparison.Ordinal));
    }

    [Fact]
    public void Libpq_s_forms_connect()
    {
        var (port, name) = (database.Cluster.Port, database.Name);
        var user = PostgresCluster.UserName;

        foreach (var text in (string[])[
            $"host={PostgresCluster.HostName} port = {port} user='{user}' dbname={name}",
            $"postgresql://{user}@{PostgresCluster.HostName}:{port}/{name}?application_name=x"])
        {
            var made = session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", text);
            Assert.Equal(name, made.Only().Properties["Database"].Value);
            Assert.Empty(made.Warnings);
        }
    }

    [Fact]
    public void A_database_that_is_not_there_is_named()
    {
        var other = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Database = "nowhere\"; --" }.ConnectionString;

        var error = Assert.Single(session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", other).AllErrors);

        Assert.StartsWith("DatabaseNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("nowhere\"; --", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_go_by_name_or_as_objects_and_the_last_one_is_the_default()
    {
        session.Set("where", database.ConnectionString);
        session.Invoke(
            "$a = Connect-PerfMonitoring -ConnectionString $where -Name a; $b = Connect-PerfMonitoring -ConnectionString "
                + "$where -Name b").MustSucceed();

        Assert.StartsWith(
            "SessionExists,",
            Assert.Single(
                session.Invoke("Connect-PerfMonitoring -ConnectionString $where -Name A").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.Equal(["b"], session.Invoke("Get-PerfMonitoringSession | Where-Object { $_.IsDefault }").Values("Name"));
        Assert.IsType<bool>(session.Invoke("Test-PerfMonitoringPrerequisite -Quiet -Session a").Only().BaseObject);
        Assert.IsType<bool>(session.Invoke("Test-PerfMonitoringPrerequisite -Quiet -Session $a").Only().BaseObject);

        session.Invoke("$b | Disconnect-PerfMonitoring").MustSucceed();

        Assert.Equal(["a"], session.Invoke("Get-PerfMonitoringSession").Values("Name"));
        Assert.Equal([true], session.Invoke("Get-PerfMonitoringSession").Values("IsDefault"));
        Assert.StartsWith(
            "SessionClosed,",
            Assert.Single(session.Invoke("Test-PerfMonitoringPrerequisite -Session $b").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        session.Invoke("Disconnect-PerfMonitoring; $b | Disconnect-PerfMonitoring").MustSucceed();
        Assert.Empty(session.Invoke("Get-PerfMonitoringSession").MustSucceed().Output);
    }

    [Fact]
    public void Another_Npgsql_in_the_process_does_not_matter()
    {
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();

        var versions = AppDomain.CurrentDomain.GetAssemblies().Select(a => a.GetName()).Where(n => n.Name == "Npgsql")
            .Select(n => n.Version!).Distinct().ToList();

        Assert.Contains(typeof(NpgsqlConnection).Assembly.GetName().Version!, versions);
        Assert.Contains(versions, v => v != typeof(NpgsqlConnection).Assembly.GetName().Version);
    }

    [Fact]
    public void The_table_fits()
    {
        var text = session.Render("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString);

        Assert.Matches("Name +Default +Server +Database +Store +User +Version", text);
        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 120, l));
    }

    private static PSCredential Credential(string password)
    {
        var secure = new SecureString();
        foreach (var c in password)
        {
            secure.AppendChar(c);
        }

        return new PSCredential(PostgresCluster.UserName, secure);
    }

    private static string Everything(ScriptResult result) =>
        string.Join('\n', result.Verbose.Concat(result.Warnings).Append(result.HostText)
        .Concat(result.AllErrors.Select(e => $"{e} {e.Exception} {e.TargetObject} {e.ErrorDetails}"))
        .Concat(result.Output.SelectMany(o => o.Properties.Select(p => $"{p.Value}"))));

    private sealed class Variables : IDisposable
    {
        private readonly Dictionary<string, string?> before = [];

        public Variables(IReadOnlyDictionary<string, string> values)
        {
            foreach (var (name, value) in values)
            {
                before[name] = Environment.GetEnvironmentVariable(name);
                Environment.SetEnvironmentVariable(name, value);
            }
        }

        public void Dispose()
        {
            foreach (var (name, value) in before)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }
}

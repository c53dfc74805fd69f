using System.Management.Automation;
using System.Net;
using System.Net.Sockets;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>
/// A fleet of servers of several versions: one is down, one is a standby, one refuses the password, one does not answer.
/// </summary>
public sealed class FleetTests(SandboxFixture sandbox, StandbyFixture standby) : IClassFixture<StandbyFixture>, IAsyncLifetime
{
    private const string Prefix = "fleet_";

    private static readonly int[] Versions = [13, 17, 18];

    private readonly ModuleRunspace session = new();
    private readonly string folder = Directory.CreateTempSubdirectory("fleet").FullName;
    private readonly List<(PostgresCluster Cluster, string Name)> databases = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        foreach (var version in Versions)
        {
            var cluster = await sandbox.ClusterAsync(version);
            foreach (var name in new[] { Prefix + "shop", Prefix + "crm" })
            {
                databases.Add((cluster, await cluster.CreateDatabaseAsync(name, Token)));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        session.Invoke("Get-PerfMonitoringSession | Disconnect-PerfMonitoring");
        session.Dispose();
        foreach (var (cluster, name) in databases)
        {
            await cluster.DropDatabaseAsync(name, CancellationToken.None);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Forty_databases_of_seven_servers_give_sessions_and_one_error_for_each_bad_server()
    {
        await using var locked = await SandboxFixture.OwnClusterAsync(new ClusterOptions { RequirePassword = true });
        using var hole = new Hole();
        var many = string.Join(", ", Enumerable.Range(1, 11).Select(i => $"'d{i}'"));
        var file = Write($$"""
            @{
                All = @{ UserName = 'postgres'; Database = '{{Prefix}}*'; ConnectTimeout = '1m'; Tags = 'all' }
                Groups = @{ prod = @{ Tags = 'eu' }; test = @{} }
                Servers = @(
                    @{ Name = 'v13'; HostName = '127.0.0.1'; Port = {{await PortAsync(13)}}; Group = 'prod'
                        MaintenanceWindows = @{ OffPeak = @{ CronExpression = '0 3 * * *'; Duration = '2h' } }
                        Thresholds = @{ MetricType = 'ConnectionCount'; Warning = 90; Critical = 120 } }
                    @{ Name = 'v17'; HostName = '127.0.0.1'; Port = {{await PortAsync(17)}}; Group = 'prod' }
                    @{ Name = 'v18'; HostName = '127.0.0.1'; Port = {{await PortAsync(18)}}; Group = 'test'
                        Database = '{{Prefix}}shop' }
                    @{ Name = 'standby'; HostName = '127.0.0.1'; Port = {{standby.Standby.Port}}; Database = 'app'; Tags = 'ro' }
                    @{ Name = 'password'; HostName = '127.0.0.1'; Port = {{locked.Port}}; Database = {{many}}
                        CredentialCommand = @{ Command = 'Get-Wrong'; Parameters = @{ Name = 'x' } } }
                    @{ Name = 'down'; HostName = '127.0.0.1'; Port = {{PostgresCluster.FreePort()}}; Database = {{many}} }
                    @{ Name = 'hole'; HostName = '127.0.0.1'; Port = {{hole.Port}}; Database = {{many}}; ConnectTimeout = '1s' }
                )
            }
            """);
        session.Set("file", file);
        session.Invoke("""
            $global:asked = 0
            function global:Get-Wrong([string] $Name) {
                $global:asked++
                [pscredential]::new('postgres', (ConvertTo-SecureString wr0ng-s3cret -AsPlainText -Force))
            }
            """).MustSucceed();

        var result = session.Invoke("Connect-PerfMonitoring -Inventory $file -Verbose");

        Assert.Null(result.Exception);
        Assert.Equal(
            ["standby", $"v13/{Prefix}crm", $"v13/{Prefix}shop", $"v17/{Prefix}crm", $"v17/{Prefix}shop", "v18"],
            result.Values("Name").Cast<string>().Order(StringComparer.Ordinal));
        Assert.Equal(
            ["AuthenticationFailed password", "ConnectionFailed down", "NoAnswer hole"],
            result.Errors.Select(e =>
                $"{e.FullyQualifiedErrorId.Split(',')[0]} {Target(e, "Name")}").Order(StringComparer.Ordinal));
        Assert.All(result.Errors, e => Assert.Equal(11, ((string[])Target(e, "Database")!).Length));
        Assert.Equal(1, hole.Count);
        Assert.Equal(1, session.Invoke("$asked").Only().BaseObject);
        // The driver logs in twice where encryption is preferred and not to be had.
        Assert.InRange(locked.ServerLog.Split("FATAL:  password authentication failed").Length - 1, 1, 2);
        Assert.DoesNotContain(
            "wr0ng-s3cret", string.Join('\n', result.Verbose) + string.Join('\n', result.Errors.Select(e => e.Exception)),
            StringComparison.Ordinal);

        // Of a fleet no session is the default, and the error says how to go on.
        Assert.StartsWith(
            "NoDefaultSession,", Assert.Single(session.Invoke("Get-SlowQuery").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.Equal(
            [$"v13/{Prefix}crm", $"v13/{Prefix}shop"],
            Sorted("Get-PerfMonitoringSession -Group prod -Tag EU -Name v13*"));
        Assert.Equal(["standby"], Sorted("Get-PerfMonitoringSession -Tag r*"));
        Assert.Equal(6, session.Invoke("Get-PerfMonitoringSession -Tag all").MustSucceed().Output.Count);

        // Connected again: what is there is an error for each session, and -Force replaces it.
        var again = session.Invoke("Connect-PerfMonitoring -Inventory $file -Name v1?");
        Assert.Empty(again.Output);
        Assert.Equal(5, again.Errors.Count(e => e.FullyQualifiedErrorId.StartsWith("SessionExists,", StringComparison.Ordinal)));
        var forced = session.Invoke(
            "$old = Get-PerfMonitoringSession v18; Connect-PerfMonitoring -Inventory $file -Group test -Force; $old.IsOpen");
        Assert.Equal(false, forced.MustSucceed().Output[^1].BaseObject);
        Assert.Equal(6, session.Invoke("Get-PerfMonitoringSession").Output.Count);

        // What the inventory says of windows and thresholds is written by an act of its own, as often as one likes.
        session.Set("script", Path.Combine(Repository.Root, "docs", "examples", "fleet-settings.ps1"));
        session.Invoke($$"""
            $one = Get-PerfMonitoringSession v13/{{Prefix}}shop
            Initialize-PerfMonitoringStore -Session $one | Out-Null
            & $script -Session $one
            & $script -Session $one
            """).MustSucceed();
        Assert.Equal(
            "0 3 * * * 02:00:00",
            session.Invoke("Get-MaintenanceWindow OffPeak -Session $one | % { \"$($_.CronExpression) $($_.Duration)\" }")
                .Only().BaseObject);
        Assert.Equal(
            "90 120",
            session.Invoke("Get-PerformanceThreshold -Session $one | % { \"$($_.Warning) $($_.Critical)\" }").Only().BaseObject);
    }

    [Fact]
    public async Task Servers_come_by_parameters_and_from_the_pipeline()
    {
        var ports = new List<int>();
        foreach (var version in Versions)
        {
            ports.Add(await PortAsync(version));
        }

        session.Set("ports", ports.ToArray());
        session.Set("user", Credential());
        File.WriteAllText(
            Path.Combine(folder, "fleet.csv"),
            $"""
            Name,HostName,Port,Database,SslMode,Group,Tag,UserName,Credential,ConnectionString
            one,127.0.0.1,{ports[0]},{Prefix}shop,,prod,eu;gold,postgres,,
            two,127.0.0.1,{ports[1]},{Prefix}*,disable,,,postgres,,
            ,,,,,,,,,"host=127.0.0.1 port={ports[2]} dbname={Prefix}crm user=postgres"
            ,,,{Prefix}crm,,,,,,
            four,127.0.0.1,99999,x,,,,,,
            """);
        session.Set("csv", Path.Combine(folder, "fleet.csv"));

        var rows = session.Invoke("Import-Csv $csv | Connect-PerfMonitoring");
        Assert.Equal(
            [$"{Prefix}crm", "one", $"two/{Prefix}crm", $"two/{Prefix}shop"],
            rows.Values("Name").Cast<string>().Order(StringComparer.Ordinal));
        Assert.Equal(
            ["InvalidConnectionSetting", "ObjectIncomplete"],
            rows.AllErrors.Select(e => e.FullyQualifiedErrorId.Split(',')[0]).Order(StringComparer.Ordinal));
        Assert.Equal(
            "prod eu gold", session.Invoke("Get-PerfMonitoringSession one | % { \"$($_.Group) $($_.Tags)\" }").Only().BaseObject);
        session.Invoke("Get-PerfMonitoringSession | Disconnect-PerfMonitoring").MustSucceed();

        // Tables, one server each or a whole inventory; and -HostName, where host and database make the names.
        Assert.Equal(["t"], Names($$"""
            @{ Name = 't'; HostName = '127.0.0.1'; Port = $ports[0]; Database = '{{Prefix}}shop'; Credential = $user } |
                Connect-PerfMonitoring
            """));
        Assert.Equal([$"i/{Prefix}crm", $"i/{Prefix}shop"], Names($$"""
            @{ Servers = @{ Name = 'i'; HostName = '127.0.0.1'; Port = $ports[0]; UserName = 'postgres' } } |
                Connect-PerfMonitoring -Database {{Prefix}}*
            """));
        Assert.Equal([$"127.0.0.1/{Prefix}shop", $"localhost/{Prefix}shop"], Names(
            $"Connect-PerfMonitoring 127.0.0.1, localhost {Prefix}shop -Port $ports[1] -Credential $user"));
        Assert.Equal([$"{Prefix}crm", $"{Prefix}shop"], Names(
            $"Connect-PerfMonitoring 127.0.0.1 {Prefix}shop, {Prefix}c* -Port $ports[1] -Credential $user"));
        Assert.Equal([$"{Prefix}crm"], Names(
            $"Connect-PerfMonitoring postgresql://postgres@127.0.0.1:$($ports[2])/{Prefix}crm"));
        Assert.Equal([$"{Prefix}shop"], Names(
            $"Connect-PerfMonitoring \"host=127.0.0.1 port=$($ports[2]) user=postgres\" -Database {Prefix}shop"));

        // A name that is written must be there; a pattern that finds nothing is a warning.
        var missing = session.Invoke(
            $"Connect-PerfMonitoring 127.0.0.1 {Prefix}shop, nowhere, nothing_* -Port $ports[1] -Credential $user -Force");
        Assert.Equal([$"{Prefix}shop"], missing.Values("Name"));
        var error = Assert.Single(missing.Errors);
        Assert.StartsWith("DatabaseNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(["nowhere"], (string[])Target(error, "Database")!);
        Assert.Contains(missing.Warnings, w => w.Contains("'nothing_*'", StringComparison.Ordinal));

        // The target of an error can be piped again, and so can a session.
        Assert.Equal(["again"], Names($$"""
            $none = @{ ErrorVariable = 'bad'; ErrorAction = 'SilentlyContinue' }
            Connect-PerfMonitoring 127.0.0.1 {{Prefix}}shop -Port 1 -Name again -UserName postgres @none
            $bad[0].TargetObject | Select-Object Name, HostName, Database, UserName, @{ n = 'Port'; e = { $ports[0] } } |
                Connect-PerfMonitoring
            """));
    }

    [Fact]
    public async Task A_connection_service_is_a_server_by_its_name()
    {
        var file = Path.Combine(folder, "services.conf");
        await File.WriteAllTextAsync(
            file,
            $"""
            # comment
            [shop_prod]
            host=127.0.0.1
            port={await PortAsync(13)}
            dbname={Prefix}shop
            user=postgres

            [shop_test]
            host=127.0.0.1
            port={await PortAsync(17)}
            dbname={Prefix}crm
            user=postgres
            """, Token);
        var before = Environment.GetEnvironmentVariable("PGSERVICEFILE");
        Environment.SetEnvironmentVariable("PGSERVICEFILE", file);
        try
        {
            Assert.Equal(["shop_prod", "shop_test"], Names("Connect-PerfMonitoring -Service shop_*"));
            Assert.Equal([$"shop_prod/{Prefix}crm", $"shop_prod/{Prefix}shop"], Names(
                $"Connect-PerfMonitoring -Service shop_prod -Database {Prefix}*"));
            var missing = Assert.Single(session.Invoke("Connect-PerfMonitoring -Service shop_prd").AllErrors);
            Assert.StartsWith("ServiceNotFound,", missing.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("'shop_prod'", missing.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
            Assert.Equal(["shop_prod", "shop_test"], Complete("Connect-PerfMonitoring -Service sh"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PGSERVICEFILE", before);
        }
    }

    [Fact]
    public void ErrorAction_is_honoured()
    {
        const string one = "Connect-PerfMonitoring 127.0.0.1 x -Port 1";
        const string wrong = "Connect-PerfMonitoring -Inventory /nowhere/fleet.psd1";

        foreach (var call in new[] { one, wrong })
        {
            Assert.Equal("caught", session.Invoke($"try {{ {call} }} catch {{ 'caught' }}").Only().BaseObject);
            Assert.Equal("caught", session.Invoke($"try {{ {call} -ErrorAction Stop }} catch {{ 'caught' }}").Only().BaseObject);
            var silent = session.Invoke($"{call} -ErrorAction SilentlyContinue -ErrorVariable kept; \"$($kept.Count) kept\"");
            Assert.Equal("1 kept", silent.Output[^1].BaseObject);
            Assert.Null(silent.Exception);
            Assert.Empty(session.Invoke($"{call} -ErrorAction Ignore").AllErrors);
            var goesOn = session.Invoke($"{call} -ErrorAction Continue; 'goes on'");
            Assert.Single(goesOn.Errors);
            Assert.Equal("goes on", goesOn.Output[^1].BaseObject);
        }

        var stopped = session.Invoke("Connect-PerfMonitoring 127.0.0.1, localhost x -Port 1 -ErrorAction Stop; 'goes on'");
        Assert.Empty(stopped.Output);
        Assert.Single(stopped.AllErrors);
    }

    public static TheoryData<string, string, string> Files => new()
    {
        { "@{ Servers = @( @{ HostName = 'h'; Port = (Get-Date) } ) }", "InvalidInventory", "line 1" },
        { "@{ Servers = @(\n@{ HostName = $env:HOME } ) }", "InvalidInventory", "line 2" },
        { "$global:ran = 1; @{ Servers = @( @{ HostName = 'h' } ) }", "InvalidInventory", "one table" },
        { "@{ Servers = @( @{ HostName = \"h$(1)\" } ) }", "InvalidInventory", "code" },
        { "@{ Servers = @( @{ HostName = h } ) }", "InvalidInventory", "code" },
        { "@{ Servers = @( @{ HostName = 'h' ) }", "InvalidInventory", "line 1" },
        { "@{ Servers = @( @{ Hostnme = 'h' } ) }", "InvalidInventory", "'HostName'" },
        { "@{ Servers = @( @{ Name = 'a'; ConnectionString = 'host=h password=s3cret' } ) }", "PasswordInInventory", "'a'" },
        { "@{ Servers = @( @{ Name = 'a'; ConnectionString = 'postgresql://u:s3cret@h/d' } ) }", "PasswordInInventory", "'a'" },
        { "@{ Servers = @( @{ HostName = 'h'; Password = 's3cret' } ) }", "PasswordInInventory", "Servers[0].Password" },
        { "@{ Servers = @( @{ Name = 'a'; ConnectionString = 'host=h nonsense=1' } ) }", "InvalidConnectionString", "'a'" },
        { "@{ Servers = @( @{ HostName = '127.0.0.1' }, @{ HostName = 'h'; Port = 0 } ) }", "InvalidInventory", "Port" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void What_is_wrong_in_a_file_is_said_before_anything_is_connected(string text, string id, string hint)
    {
        session.Set("file", Write(text));

        var error = Assert.Single(session.Invoke("Connect-PerfMonitoring -Inventory $file").AllErrors);

        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("fleet.psd1", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(hint, error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(error.ErrorDetails.RecommendedAction);
        Assert.DoesNotContain("s3cret", $"{error.Exception} {error.TargetObject}", StringComparison.Ordinal);
        Assert.Empty(session.Invoke("Get-Variable ran -ErrorAction Ignore").Output);
    }

    [Fact]
    public void A_file_that_others_can_change_and_a_command_that_gives_no_credential_are_refused()
    {
        var file = Write("""
            @{ Servers = @(
                @{ Name = 'missing'; HostName = '127.0.0.1'; Port = 2; CredentialCommand = 'Get-NoSuchThing' }
                @{ Name = 'other'; HostName = '127.0.0.1'; Port = 1; CredentialCommand = @{
                    Command = 'Get-Date'; Parameters = @{ Format = 'yyyy' } } }
                @{ Name = 'throws'; HostName = '127.0.0.1'; Port = 3; CredentialCommand = 'Get-Refused' }
                @{ Name = 'down'; HostName = '127.0.0.1'; Port = 4; UserName = 'u' }
            ) }
            """);
        session.Set("file", file);
        session.Invoke("function global:Get-Refused { throw 'the vault is locked' }").MustSucceed();

        var result = session.Invoke("Connect-PerfMonitoring -Inventory $file");

        Assert.Equal(
            ["ConnectionFailed down", "CredentialCommandFailed missing", "CredentialCommandFailed other",
                "CredentialCommandFailed throws"],
            result.Errors.Select(e => $"{e.FullyQualifiedErrorId.Split(',')[0]} {Target(e, "Name")}")
                .Order(StringComparer.Ordinal));
        Assert.Contains(result.Errors, e => e.ToString().Contains("the vault is locked", StringComparison.Ordinal));

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.OtherWrite);
            Assert.StartsWith(
                "InventoryExposed,",
                Assert.Single(session.Invoke("Connect-PerfMonitoring -Inventory $file").AllErrors).FullyQualifiedErrorId,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_example_can_be_read_and_its_names_are_completed()
    {
        session.Set("file", Path.Combine(Repository.Root, "docs", "examples", "fleet.psd1"));
        session.Invoke("Set-Location -LiteralPath (Split-Path $file)").MustSucceed();
        const string call = "Connect-PerfMonitoring -Inventory ./fleet.psd1 ";

        Assert.Equal(["prod", "test"], Complete(call + "-Group "));
        Assert.Equal(["critical"], Complete(call + "-Group prod -Tag cr"));
        Assert.Equal(["billing", "crm", "shop", "test"], Complete(call + "-Name "));
        Assert.Equal(["db1.example.com", "db2.example.com"], Complete(call + "-HostName db"));
        Assert.Contains("fleet.psd1", Complete("Connect-PerfMonitoring -Inventory ./fl"));

        // Nothing that is known is no reason for the names of files.
        foreach (var name in new[] {
            "-Group", "-Tag", "-Name", "-HostName", "-Database", "-StoreDatabase", "-UserName", "-ActingUser" })
        {
            Assert.Empty(Complete($"Connect-PerfMonitoring {name} demo"));
        }

        Assert.Empty(Complete("Connect-PerfMonitoring demo"));
        Assert.Empty(Complete("Get-PerfMonitoringSession demo"));
        Assert.Equal(["verify-ca", "verify-full"], Complete("Connect-PerfMonitoring -SslMode ver"));

        var chosen = session.Invoke("Connect-PerfMonitoring -Inventory $file -Group prdo");
        var error = Assert.Single(chosen.AllErrors);
        Assert.StartsWith("InventoryEntryNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("'prod'", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "No server", Assert.Single(session.Invoke("Connect-PerfMonitoring -Inventory $file -Name z*").MustSucceed().Warnings),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Databases_and_hosts_of_open_sessions_are_completed()
    {
        session.Set("port", await PortAsync(18));
        session.Set("user", Credential());
        session.Invoke(
            $"Connect-PerfMonitoring 127.0.0.1 {Prefix}shop -Port $port -Credential $user -Group g -Tag t").MustSucceed();

        Assert.Equal(
            [Prefix + "crm", Prefix + "shop"], Complete($"Connect-PerfMonitoring -HostName 127.0.0.1 -Database {Prefix}"));
        Assert.Equal(["127.0.0.1"], Complete("Connect-PerfMonitoring 127"));
        Assert.Equal(["g"], Complete("Get-PerfMonitoringSession -Group "));
        Assert.Equal(["t"], Complete("Get-PerfMonitoringSession -Tag "));
    }

    private string[] Complete(string line) =>
        [.. session.Invoke(
            "[System.Management.Automation.CommandCompletion]::CompleteInput($args[0], $args[0].Length, $null).CompletionMatches",
            line).MustSucceed().Values("ListItemText").Cast<string>().Order(StringComparer.Ordinal)];

    // The names of the sessions that a script opens; they are closed again.
    private string[] Names(string script)
    {
        var names = session.Invoke(script).Output.Select(o => $"{o}").Order(StringComparer.Ordinal).ToArray();
        session.Invoke("Get-PerfMonitoringSession | Disconnect-PerfMonitoring").MustSucceed();
        return names;
    }

    private IEnumerable<string> Sorted(string script) =>
        session.Invoke(script).MustSucceed().Values("Name").Cast<string>().Order(StringComparer.Ordinal);

    private async Task<int> PortAsync(int version) => (await sandbox.ClusterAsync(version)).Port;

    private string Write(string text)
    {
        var path = Path.Combine(folder, "fleet.psd1");
        File.WriteAllText(path, text);
        return path;
    }

    private static object? Target(ErrorRecord error, string property) =>
        PSObject.AsPSObject(error.TargetObject).Properties[property].Value;

    private static PSCredential Credential() => new(PostgresCluster.UserName, new System.Security.SecureString());

    /// <summary>Accepts connections and never answers.</summary>
    private sealed class Hole : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly List<Socket> accepted = [];

        public Hole()
        {
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        public int Port { get; }

        /// <summary>The number of connections that were made.</summary>
        public int Count
        {
            get
            {
                while (listener.Pending())
                {
                    accepted.Add(listener.AcceptSocket());
                }

                return accepted.Count;
            }
        }

        public void Dispose()
        {
            accepted.ForEach(s => s.Dispose());
            listener.Dispose();
        }
    }
}

using PerfMonitoring.Common;
using PerfMonitoring.Strategies;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Sessions;

public sealed class InventoryReaderTests
{
    private static readonly (string, object?)[] One = [("Name", "db1"), ("HostName", "h1")];

    [Fact]
    public void The_server_wins_over_its_group_and_the_group_over_all()
    {
        var servers = Read(
            all: T(
                ("Port", 5001), ("SslMode", "require"), ("Database", "*"), ("Tags", "eu"), ("UserName", "reader"),
                ("ConnectTimeout", "5s"), ("StoreHostName", "admin"), ("StoreDatabase", "perf"),
                ("MaintenanceWindows", T(
                    ("OffPeak", T(("CronExpression", "0 1 * * *"))), ("Weekend", T(("CronExpression", "0 2 * * 6"))))),
                ("Thresholds", L(
                    T(("MetricType", "QueryTime"), ("Warning", "1s"), ("Critical", "5s")),
                    T(("MetricType", "DeadlockCount"), ("Warning", 1), ("Critical", 2))))),
            groups: T(("prod", T(
                ("Port", 5002), ("SslMode", "VERIFY-FULL"), ("Tags", L("gold", "EU")),
                ("CredentialCommand", T(("Command", "Get-Secret"), ("Parameters", T(("Name", "prod")))))))),
            T([.. One, ("Group", "PROD"), ("Port", "5003"), ("Database", L("shop", "crm")), ("StoreDatabase", null),
                ("MaintenanceWindows", T(("offpeak", T(("CronExpression", "0 3 * * *"), ("Duration", "2h"))))),
                ("Thresholds", L(T(("MetricType", "querytime"), ("Warning", "100ms"), ("Critical", "2s"))))]),
            T(("HostName", "h2"), ("Group", "prod"), ("UserName", "me")),
            T(("Service", "third")));

        Assert.Equal(["db1", "h2", "third"], servers.Select(s => s.Name));
        Assert.Equal([5003, 5002, 5001], servers.Select(s => s.Settings.Port!.Value));
        Assert.Equal(["verify-full", "verify-full", "require"], servers.Select(s => s.Settings.SslMode));
        Assert.Equal([["shop", "crm"], ["*"], ["*"]], servers.Select(s => s.Databases));
        Assert.Equal([["eu", "gold"], ["eu", "gold"], ["eu"]], servers.Select(s => s.Tags));
        // A login and a store are inherited as a whole: a password must not reach a server that it is not for.
        Assert.Equal([null, "me", "reader"], servers.Select(s => s.Settings.UserName));
        Assert.Equal(["Get-Secret", null, null], servers.Select(s => s.Credential?.Command));
        Assert.Equal("prod", servers[0].Credential!.Parameters["name"]);
        Assert.True(servers[0].Store.IsEmpty);
        Assert.Equal(["admin", "admin"], servers.Skip(1).Select(s => s.Store.HostName));
        Assert.All(servers, s => Assert.Equal(TimeSpan.FromSeconds(5), s.Settings.ConnectTimeout));
        Assert.Equal(
            ["Weekend 0 2 * * 6 ", "OffPeak 0 3 * * * 02:00:00"],
            servers[0].MaintenanceWindows.Select(w => $"{w["Window"]} {w["CronExpression"]} {w["Duration"]}"));
        Assert.Equal(
            ["DeadlockCount 1", "QueryTime 100ms"], servers[0].Thresholds.Select(t => $"{t["MetricType"]} {t["Warning"]}"));
    }

    public static TheoryData<string, string, string> Wrong => new()
    {
        { "unknown key", "Servers[0].Databse", "'Database'" },
        { "unknown key of a group", "Groups.prod.HostName", "StoreHostName" },
        { "unknown key at the top", "Server", "'Servers'" },
        { "server key at the top", "Port", "belongs to a server" },
        { "port", "Servers[0].Port", "1 to 65535" },
        { "text as port", "Servers[0].Port", "1 to 65535" },
        { "type", "Servers[0].HostName", "a number, not a text" },
        { "list", "Servers[0].HostName", "a list, not a text" },
        { "ssl", "Servers[0].SslMode", "'require'" },
        { "duration", "Servers[0].ConnectTimeout", "45s" },
        { "group", "Servers[0].Group", "'prod'" },
        { "same name", "Servers[1]", "Servers[0]" },
        { "same server", "Servers[1]", "same database" },
        { "no address", "Servers[0]", "HostName, Service" },
        { "two addresses", "Servers[0].Service", "HostName" },
        { "no servers", "Servers", "missing" },
        { "empty", "Servers", "empty" },
        { "server as text", "Servers[0]", "not a table" },
        { "script", "Servers[0].CredentialCommand", "no path" },
        { "change", "Servers[0].CredentialCommand", "verb is Get" },
        { "two logins", "Servers[0].CredentialCommand", "UserName" },
        { "credential as text", "Servers[0].Credential", "CredentialCommand" },
        { "window", "Servers[0].MaintenanceWindows.OfPeak", "'OffPeak'" },
        { "metric", "Servers[0].Thresholds.MetricType", "'QueryTime'" },
        { "limit", "Servers[0].Thresholds.Critical", "missing" },
        { "wildcard in a name", "Servers[0].Name", "wildcard" },
        { "uri as host", "Servers[0].HostName", "ConnectionString" },
        { "blank", "Servers[0].HostName", "blank" },
        { "password", "Servers[0].Password", "pgpass" },
        { "password of all", "All.StorePassword", "CredentialCommand" },
        { "password of a command", "Servers[0].CredentialCommand.Parameters.PlainTextPassword", "pgpass" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_names_file_line_key_and_way_out(string what, string key, string hint)
    {
        var prod = T(("prod", T()));
        var error = Assert.Throws<PerfMonitoringException>(() => _ = what switch
        {
            "unknown key" => Read(null, null, T([.. One, ("Databse", "s3cret")])),
            "unknown key of a group" => Read(null, T(("prod", T(("HostName", "s3cret")))), T(One)),
            "unknown key at the top" => Read(T(("Server", L(T(One))))),
            "server key at the top" => Read(T(("Port", 1), ("Servers", L(T(One))))),
            "port" => Read(null, null, T([.. One, ("Port", 65536)])),
            "text as port" => Read(null, null, T([.. One, ("Port", "s3cret")])),
            "type" => Read(null, null, T(("HostName", 5))),
            "list" => Read(null, null, T(("HostName", L("a", "b")))),
            "ssl" => Read(null, null, T([.. One, ("SslMode", "requir")])),
            "duration" => Read(null, null, T([.. One, ("ConnectTimeout", 45)])),
            "group" => Read(null, prod, T([.. One, ("Group", "prd")])),
            "same name" => Read(null, null, T(One), T(("Name", "DB1"), ("HostName", "h2"))),
            "same server" => Read(null, null, T(One), T(("Name", "db2"), ("HostName", "H1"))),
            "no address" => Read(null, null, T(("Name", "db1"))),
            "two addresses" => Read(null, null, T([.. One, ("Service", "x")])),
            "no servers" => Read(T(("Groups", T()))),
            "empty" => Read(T(("Servers", L()))),
            "server as text" => Read(T(("Servers", L("s3cret")))),
            "script" => Read(null, null, T([.. One, ("CredentialCommand", "./Get-Secret.ps1")])),
            "change" => Read(null, null, T([.. One, ("CredentialCommand", "Remove-Item")])),
            "two logins" => Read(null, null, T([.. One, ("UserName", "u"), ("CredentialCommand", "Get-Secret")])),
            "credential as text" => Read(null, null, T([.. One, ("Credential", "s3cret")])),
            "window" => Read(null, null, T([.. One, ("MaintenanceWindows", T(("OfPeak", T())))])),
            "metric" => Read(null, null, T([.. One, ("Thresholds", L(T(("MetricType", "QueryTim"))))])),
            "limit" => Read(null, null, T([.. One, ("Thresholds", L(T(("MetricType", "TableSize"), ("Warning", 1))))])),
            "wildcard in a name" => Read(null, null, T(("Name", "db*"), ("HostName", "h"))),
            "uri as host" => Read(null, null, T(("HostName", "postgresql://u:s3cret@h/d"))),
            "blank" => Read(null, null, T(("HostName", " "))),
            "password" => Read(null, null, T([.. One, ("Password", "s3cret")])),
            "password of all" => Read(T(("StorePassword", "s3cret")), null, T(One)),
            _ => Read(null, null, T([.. One, ("CredentialCommand", T(
                ("Command", "Get-It"), ("Parameters", T(("PlainTextPassword", "s3cret")))))])),
        });

        Assert.Contains("fleet.psd1", error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint, error.Message + " " + error.Remedy, StringComparison.Ordinal);
        Assert.NotNull(error.Remedy);
        Assert.DoesNotContain("s3cret", error + error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_words_are_those_of_the_cmdlets()
    {
        Assert.Equal(Enum.GetNames<MaintenanceWindow>().Except(["Immediate"]), InventoryReader.Windows);
        Assert.Equal(Enum.GetNames<MetricType>(), InventoryReader.Metrics);
        Assert.Equal(Enum.GetNames<ThresholdUnit>(), InventoryReader.Units);
    }

    [Fact]
    public void A_table_of_one_server_inherits_nothing_and_may_lack_an_address()
    {
        var credential = new object();
        var reader = new InventoryReader("the table", isFile: false, ReadDuration);

        var server = reader.ReadServer(T(
            ("ComputerName", "h"), ("Port", ""), ("Tag", "eu"), ("Credential", credential), ("Group", "anything")));

        Assert.Equal(("h", null), (server.Settings.HostName, server.Settings.Port));
        Assert.Null(server.Name);
        Assert.Same(credential, server.Credential!.Given);
        Assert.Equal("anything", server.Group);
        Assert.Equal(["eu"], server.Tags);
    }

    [Theory]
    [InlineData("Databse", "Database")]
    [InlineData("host", "HostName")]
    [InlineData("Sslmdoe", "SslMode")]
    [InlineData("Nonsense", null)]
    public void A_misspelt_word_has_a_near_one(string word, string? near) =>
        Assert.Equal(near, NearMatch.Of(word, ["Database", "HostName", "SslMode"]));

    private static IReadOnlyList<InventoryServer> Read(
        InventoryTable? all, InventoryTable? groups, params InventoryTable[] servers) =>
        Read(T([.. new (string, object?)[] { ("All", all), ("Groups", groups) }.Where(e => e.Item2 is not null),
            ("Servers", L([.. servers]))]));

    private static IReadOnlyList<InventoryServer> Read(InventoryTable root) =>
        new InventoryReader("fleet.psd1", isFile: true, ReadDuration).Read(root).Servers;

    private static TimeSpan? ReadDuration(object value) => value switch
    {
        "5s" => TimeSpan.FromSeconds(5),
        "2h" => TimeSpan.FromHours(2),
        _ => null,
    };

    private static InventoryTable T(params (string Key, object? Value)[] entries) =>
        new([.. entries.Select((e, i) => KeyValuePair.Create(e.Key, new InventoryValue(e.Value, i + 1)))]);

    private static InventoryValue[] L(params object[] elements) =>
        [.. elements.Select(e => e as InventoryValue ?? new InventoryValue(e, 1))];
}

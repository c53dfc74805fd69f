using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Statements;

/// <summary>
/// Databases of other encodings in one cluster. The server keeps the texts of all databases in one file, so these tests need a
/// server of their own.
/// </summary>
public sealed partial class EncodingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_statement_of_another_encoding_is_blamed_on_its_database_and_takes_no_more_than_it_must()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions());
        await cluster.ExecuteAsync("postgres", "create database shop", Token);
        foreach (var (name, encoding) in new[] { ("bytes", "SQL_ASCII"), ("west", "LATIN1") })
        {
            await cluster.ExecuteAsync(
                "postgres", $"create database {name} encoding '{encoding}' template template0 lc_collate 'C' lc_ctype 'C'",
                Token);
        }

        foreach (var name in new[] { "shop", "bytes", "west" })
        {
            await cluster.ExecuteAsync(
                name, "create extension pg_stat_statements; create table item (id int primary key, n int)", Token);
        }

        await cluster.ExecuteAsync("shop", "create role app; grant select on item to app", Token);
        await cluster.ExecuteAsync("shop", "set role app; select count(*) from item where n in (1, 2)", Token);
        await cluster.ExecuteAsync("shop", "select max(n) from item", Token);
        using var session = new ModuleRunspace();
        foreach (var name in new[] { "shop", "bytes", "west" })
        {
            session.Invoke(
                $"${name} = Connect-PerfMonitoring -Name {name} -ConnectionString $args[0]; "
                    + $"$null = Initialize-PerfMonitoringStore -Session ${name}",
                cluster.ConnectionString(name)).MustSucceed();
        }

        // A character that both have is no trouble.
        await ExecuteAsync(cluster, "west", "select n as \"caf\u00e9\" from item");
        Assert.Equal(2, session.Invoke("Get-SlowQuery -Session $shop -Like item").MustSucceed().Output.Count);

        // A byte that is no UTF-8.
        await ExecuteAsync(cluster, "bytes", "select n as \"caf\u00ff\" from item where n = 1");
        var slow = session.Invoke("Get-SlowQuery -Session $shop").MustSucceed();
        Assert.Equal(["select count(*) from item where n in ($1, $2)"], slow.Values("Query"));
        Assert.Matches(Blame("bytes"), Assert.Single(slow.Warnings));
        var update = Assert.Single(session.Invoke("Update-QueryPerformanceLog -Session $shop").AllErrors);
        Assert.StartsWith("StatementsUnreadable,", update.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("a statement of database bytes (SQL_ASCII, OID ", update.ToString(), StringComparison.Ordinal);
        var threshold = session.Invoke("Test-PerformanceThreshold QueryTime 1 2 -SampleInterval 1s -Session $shop").Only();
        Assert.Equal("Unknown", $"{threshold.Properties["State"].Value}");
        Assert.Matches(Blame("bytes"), (string)threshold.Properties["Reason"].Value);

        // That database itself is monitored all the same.
        var own = session.Invoke("Get-SlowQuery -Session $bytes -Like item").MustSucceed();
        Assert.Equal(["select n as \"caf\ufffd\" from item where n = $1"], own.Values("Query"));
        Assert.True((int)session.Invoke("Update-QueryPerformanceLog -Session $bytes").Only().Properties["Statements"].Value > 0);
        Assert.Single(session.Invoke("New-IndexStrategy -TableName item -Column n -Session $bytes").MustSucceed().Output);

        // What the error says mends it, and the counters of other databases stay.
        var remedy = Reset().Match(update.ErrorDetails.RecommendedAction).Value;
        await cluster.ExecuteAsync("shop", remedy, Token);
        Assert.Equal(2, session.Invoke("Get-SlowQuery -Session $shop -Like item").MustSucceed().Output.Count);
        Assert.Single(session.Invoke("Update-QueryPerformanceLog -Session $shop").MustSucceed().Output);

        // The other way round: a character that LATIN1 lacks. Here no role has statements that can be read alone.
        await cluster.ExecuteAsync("shop", "set role app; select n as \"\u20ac\" from item", Token);
        var error = Assert.Single(session.Invoke("Get-SlowQuery -Session $west").AllErrors);
        Assert.StartsWith("StatementsUnreadable,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("database shop (UTF8, OID ", error.ToString(), StringComparison.Ordinal);
    }

    private static string Blame(string database) =>
        $@"a statement of database {database} \(\w+, OID (\d+)\) .* select public\.pg_stat_statements_reset\(0, \1, 0\);";

    // The connection sends and reads bytes as they are.
    private static async Task ExecuteAsync(PostgresCluster cluster, string database, string sql)
    {
        var builder = new NpgsqlConnectionStringBuilder(cluster.ConnectionString(database))
        {
            Encoding = "iso-8859-1", ClientEncoding = database == "bytes" ? "SQL_ASCII" : "LATIN1",
        };
        await using var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    [GeneratedRegex(@"select public\.pg_stat_statements_reset\(0, \d+, 0\);")]
    private static partial Regex Reset();
}

using PerfMonitoring.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Sessions;

public sealed partial class SqlFileTests(SandboxFixture sandbox)
{
    // The steps of an upgrade, and statements that define something, cannot be prepared.
    private static readonly string[] Scripts = [
        ".Migrations.", ".Registry.", ".Citus.", ".AddSchema.", ".AddJournal.", ".AddRegistryJournal.", ".ResetRole."];

    // The module uses these only if the extension exists. Only the machine's own server has HypoPG.
    private static readonly string[] Extensions = ["pg_stat_statements", "hypopg"];

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    public static TheoryData<string> Files => [.. Sql.All];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_file_can_be_prepared(int majorVersion)
    {
        await PrepareAllAsync(await sandbox.ClusterAsync(majorVersion));
    }

    [Fact]
    public async Task Every_file_can_be_prepared_on_the_machines_own_server() =>
        await PrepareAllAsync(await sandbox.ClusterAsync());

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_says_what_it_is_for_and_what_it_needs(string resource)
    {
        var text = Raw(resource);
        var header = string.Concat(text.Split('\n').TakeWhile(l => l.StartsWith("--", StringComparison.Ordinal)));

        Assert.Contains("Purpose:", header, StringComparison.Ordinal);
        Assert.Contains("Minimum version:", header, StringComparison.Ordinal);
        Assert.Contains("Privileges:", header, StringComparison.Ordinal);
        Assert.DoesNotMatch(SelectStar(), text);
    }

    [Fact]
    public void A_name_stands_for_one_file_which_its_own_room_uses()
    {
        var files = Sql.All.Where(r => !r.Contains(".Migrations.", StringComparison.Ordinal)
            && !r.Contains(".Registry.", StringComparison.Ordinal)
            && !r.Contains(".Citus.", StringComparison.Ordinal))
            .Select(r => r.Split('.')).Select(r => (Room: r[^3], Name: r[^2])).ToList();

        Assert.Equal(files.Select(f => f.Name).Distinct(), files.Select(f => f.Name));
        foreach (var room in files.GroupBy(f => f.Room, f => f.Name))
        {
            var sources = string.Concat(Directory.EnumerateFiles(
                Path.Combine(Repository.Root, "src", "PerfMonitoring.Postgres", room.Key), "*.cs")
                .Select(File.ReadAllText));
            Assert.All(room, n => Assert.Contains($"\"{n}\"", sources, StringComparison.Ordinal));
        }
    }

    private static async Task PrepareAllAsync(PostgresCluster cluster)
    {
        await using var database = await TestDatabase.OnAsync(cluster);
        var missing = new List<string>();
        foreach (var extension in Extensions)
        {
            if (await database.ScalarAsync<long>($"select count(*) from pg_available_extensions where name = '{extension}'") == 1)
            {
                await database.ExecuteAsync($"create extension {extension}");
            }
            else
            {
                missing.Add(extension);
            }
        }

        await using (var session = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token))
        {
            await session.Store.UpgradeAsync(Token);
        }

        // The list of monitored databases is beside the schema of this one.
        await using var other = await TestDatabase.OnAsync(cluster);
        await using (var shared = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = other.ConnectionString },
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, Token))
        {
            await shared.Store.UpgradeAsync(Token);
        }

        await using var connection = new NpgsqlConnection(database.UnpooledConnectionString);
        await connection.OpenAsync(Token);
        var failures = new List<string>();
        var prepared = 0;
        foreach (var resource in FilesFor(cluster.MajorVersion))
        {
            var sql = Sql.InSchema(Sql.Read(resource), StoreSchema.Own);
            if (missing.Exists(
                e => sql.Contains(e + "_", StringComparison.Ordinal) || sql.Contains(e + "(", StringComparison.Ordinal)))
            {
                continue;
            }

            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var name in Parameters().Matches(sql).Select(m => m.Groups[1].Value).Distinct())
            {
                // Each file casts its parameters, so the server knows their types.
                command.Parameters.Add(new NpgsqlParameter(name, NpgsqlTypes.NpgsqlDbType.Unknown) { Value = DBNull.Value });
            }

            try
            {
                await command.PrepareAsync(Token);
                prepared++;
            }
            catch (PostgresException e)
            {
                failures.Add($"{resource}: {e.MessageText}");
            }
        }

        Assert.Empty(failures);
        Assert.True(prepared > 20, $"only {prepared} files were prepared");
    }

    private static IEnumerable<string> FilesFor(int majorVersion) => Sql.All
        .Where(r => !Scripts.Any(s => r.Contains(s, StringComparison.Ordinal))
            && !(MinimumVersion().Match(Raw(r)) is { Success: true } least
                && int.Parse(least.Groups[1].Value, CultureInfo.InvariantCulture) > majorVersion))
        .Order(StringComparer.Ordinal);

    private static string Raw(string resource)
    {
        using var stream = typeof(Sql).Assembly.GetManifestResourceStream(resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"(?<![\w@<>])@(\w+)")]
    private static partial Regex Parameters();

    [GeneratedRegex(@"Minimum version: (\d+)")]
    private static partial Regex MinimumVersion();

    [GeneratedRegex(@"\bselect\s+(\w+\.)?\*", RegexOptions.IgnoreCase)]
    private static partial Regex SelectStar();
}

using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Definitions are read from the catalog, and an index that is created from one has the same definition.</summary>
public sealed class IndexRoundTripTests(SandboxFixture sandbox)
{
    private const int Count = 500;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Five_hundred_definitions_come_back_byte_by_byte(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await database.ExecuteAsync(GeneratedIndexes.Table);
        await using var server = new NpgsqlConnection(database.UnpooledConnectionString);
        await server.OpenAsync(Token);
        var table = await connection.Catalog.GetTableAsync(new RelationName("Sch\"ema", "Tab le"), Token);
        var random = new Random(20260701);
        for (var i = 0; i < Count; i++)
        {
            await RunAsync(server, GeneratedIndexes.Next(random, i, "pg_default"));
        }

        var before = await connection.Catalog.GetIndexesAsync([table.Oid], Token);
        foreach (var index in before)
        {
            await RunAsync(server, index.Definition.ToDropStatement(concurrently: false));
            await RunAsync(server, index.Definition.ToCreateStatement(concurrently: false));
        }

        var after = await connection.Catalog.GetIndexesAsync([table.Oid], Token);
        Assert.Equal(Count, before.Count);
        Assert.Equal(before.Select(i => i.ServerDefinition), after.Select(i => i.ServerDefinition));
        Assert.Equal(
            before.Select(i => i.Definition.ToCreateStatement(concurrently: true)),
            after.Select(i => i.Definition.ToCreateStatement(concurrently: true)));
    }

    private static async Task RunAsync(NpgsqlConnection server, string sql)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, server);
            await command.ExecuteNonQueryAsync(Token);
        }
        catch (PostgresException e)
        {
            Assert.Fail($"{e.MessageText}: {sql}");
        }
    }
}

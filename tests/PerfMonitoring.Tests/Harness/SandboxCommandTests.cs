namespace PerfMonitoring.Testing;

// The class fixture only skips the tests if there is no PostgreSQL.
public sealed class SandboxCommandTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task A_command_is_pointed_at_the_database_and_its_exit_code_returned()
    {
        Assert.NotNull(database.Cluster);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the command is a POSIX shell's");

        var (exitCode, output, _) = await ProgramRun.ToEndAsync(
            "PerfMonitoring.Sandbox", "", "run", "--database", "here", "--", "sh", "-c",
            "echo $PGUSER@$PGHOST/$PGDATABASE; exit 6");

        Assert.Equal((6, "postgres@127.0.0.1/here\n"), (exitCode, output));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public async Task Nothing_outlives_the_sandbox(string signal)
    {
        Assert.NotNull(database.Cluster);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent by kill");
        using var process = ProgramRun.Start(
            "PerfMonitoring.Sandbox", "run", "--", "sh", "-c", "echo $PGPORT; exec sleep 60");
        var port = int.Parse(
            (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!,
            System.Globalization.CultureInfo.InvariantCulture);
        var folder = FolderOf(port);
        Assert.True(Directory.Exists(folder));

        await ProgramRun.SignalAsync(signal, process.Id);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        await Eventually.HoldsAsync(() => Task.FromResult(!Directory.Exists(folder)), "the folder is gone");
    }

    [Fact]
    public async Task A_command_that_is_not_there_is_told()
    {
        Assert.NotNull(database.Cluster);

        var (exitCode, _, errors) = await ProgramRun.ToEndAsync("PerfMonitoring.Sandbox", "", "run", "--", "no-such-command");

        Assert.Equal(1, exitCode);
        Assert.Contains("no-such-command", errors, StringComparison.Ordinal);
    }

    private static string FolderOf(int port)
    {
        using var connection = new Npgsql.NpgsqlConnection(
            $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Pooling=false");
        connection.Open();
        using var command = new Npgsql.NpgsqlCommand("show data_directory", connection);
        return Path.GetDirectoryName((string)command.ExecuteScalar()!)!;
    }
}

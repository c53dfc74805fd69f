using System.Management.Automation;
using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Terminal;

/// <summary>A database whose every name would control the terminal that shows it.</summary>
public sealed class HostileNameTests(SandboxFixture sandbox) : IAsyncLifetime
{
    private static readonly string Schema = Hostile.Name("s");
    private static readonly string Table = Hostile.Name("t");
    private static readonly string Column = Hostile.Name("c");
    private static readonly string Index = Hostile.Name("i");
    private static readonly string Role = Hostile.Name("r");
    private static readonly string Application = "app\u001B[2J\u202E";

    private readonly ModuleRunspace session = new();
    private readonly List<string> shown = [];
    private TestDatabase database = null!;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync($"""
            create extension pg_stat_statements;
            create role {Quote(Role)} superuser login;
            create schema {Quote(Schema)};
            create table {Quoted(Table)} as select g as {Quote(Column)}, g % 1000 as "b" from generate_series(1, 50000) g;
            create index {Quote(Index)} on {Quoted(Table)} ({Quote(Column)});
            create index {Quote(Index + "2")} on {Quoted(Table)} ({Quote(Column)});
            create index {Quote(Index + "x")} on {Quoted(Table)} ((case when "b" > 0 then '{Hostile.Text.Replace("'", "''", StringComparison.Ordinal)}' end));
            analyze {Quoted(Table)};
            """);
        await RunAsRoleAsync($"select {Quote(Column)} from {Quoted(Table)} where \"b\" = 5 /* \u001B[2J\u202E */");
        await RunAsRoleAsync($"select {Quote(Column)} as \"\u001B[2J\" from {Quoted(Table)} where \"b\" = 6");
        session.Set("Table", Quoted(Table));
        session.Set("RawTable", Table);
        session.Set("Index", Index);
        session.Set("Column", Column);
        session.Set("Hostile", Hostile.Text);
    }

    public async ValueTask DisposeAsync()
    {
        session.Dispose();
        await database.ExecuteAsync(
            $"reassign owned by {Quote(Role)} to current_user; drop owned by {Quote(Role)}; drop role {Quote(Role)}");
        await database.DisposeAsync();
    }

    [Fact]
    public void Nothing_that_a_user_reads_steers_the_terminal()
    {
        Show("Connect-PerfMonitoring -ConnectionString $args[0] -Name $args[1] -ActingUser $args[2]",
            new NpgsqlConnectionStringBuilder(database.ConnectionString) {
                Username = Role, ApplicationName = Application }.ConnectionString, "one", Role);
        Show("Get-PerfMonitoringSession");
        Show("Initialize-PerfMonitoringStore");
        Show("Test-PerfMonitoringPrerequisite");
        Show("Update-QueryPerformanceLog");
        Show("Get-QueryPerformanceLog");
        Show("Get-SlowQuery");
        Show("Get-SlowQuery | New-IndexStrategy");
        Show("Get-IndexCandidate");
        Show("New-IndexStrategy $Table b -IndexName ($Index + '3')");
        Show("Get-IndexStrategy");
        Show("Get-IndexStrategy | Set-IndexStrategy -IsMonitoring $true -WhatIf");
        Show("Get-IndexStrategy | Invoke-IndexCreation -WhatIf");
        Show("Get-IndexStrategy | Invoke-IndexCreation -Confirm:$false");
        Show("Test-IndexStrategy");
        Show("Get-IndexUsageStat");
        Show("Update-IndexUsageStat");
        Show("Get-IndexUsageStat -Since 2000-01-01");
        Show("Get-IndexUsageStat -IndexName ($Index + '2') | Invoke-IndexRemoval -Force -WhatIf");
        Show("Get-IndexUsageStat -IndexName ($Index + '2') | Invoke-IndexRemoval -Force -Confirm:$false");
        Show("Undo-IndexRemoval -IndexName ($Index + '2') -Confirm:$false");
        Show("Repair-Index -Bloated -MinimumBloat 0 -MinimumWaste 0 -WhatIf");
        Show("New-PerformanceThreshold TableSize 1 2 -TableName $Table");
        Show("Get-PerformanceThreshold");
        Show("Test-PerformanceThreshold");
        Show("Get-IndexStrategyHistory");
        Show("Get-IndexStrategy | Remove-IndexStrategy -WhatIf");

        Assert.InRange(shown.Count(s => s.Contains(@"\x1B", StringComparison.Ordinal)), 20, int.MaxValue);
    }

    [Theory]
    [InlineData("New-IndexStrategy nowhere$Hostile x", "InvalidName")]
    [InlineData("New-IndexStrategy $Table $Hostile", null)]
    [InlineData("New-IndexStrategy $Table b -Where $Hostile", null)]
    [InlineData("Get-IndexUsageStat $Hostile", "IndexNotFound")]
    [InlineData("Invoke-IndexRemoval -IndexName $Hostile", "IndexNotFound")]
    [InlineData("Repair-Index $Hostile", "IndexNotInvalid")]
    [InlineData("Undo-IndexRemoval -IndexName $Hostile", null)]
    [InlineData("New-PerformanceThreshold TableSize 1 2 -TableName $Hostile", null)]
    [InlineData("New-PerformanceThreshold QueryTime 1 2 -AlertConfiguration @{ $Hostile = { 1 } }", "InvalidAlertConfiguration")]
    [InlineData("Set-MaintenanceWindow OffPeak $Hostile", null)]
    [InlineData("Set-MaintenanceWindow OffPeak '0 22 * * *' -TimeZone $Hostile", null)]
    [InlineData("Get-PerfMonitoringSession $Hostile", "SessionNotFound")]
    [InlineData("Disconnect-PerfMonitoring $Hostile", "SessionNotFound")]
    [InlineData("Get-SlowQuery -Session $Hostile", "SessionNotFound")]
    [InlineData("Connect-PerfMonitoring $Hostile", null)]
    [InlineData("Connect-PerfMonitoring 127.0.0.1 $Hostile -Port 1", null)]
    [InlineData("Connect-PerfMonitoring -ConnectionString $Hostile", null)]
    [InlineData("Get-IndexCandidate $Hostile", null)]
    public void No_error_steers_the_terminal(string script, string? errorId)
    {
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; Initialize-PerfMonitoringStore", database.ConnectionString)
            .MustSucceed();

        var errors = Show(script).AllErrors;

        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.StartsWith(errorId ?? "", e.FullyQualifiedErrorId, StringComparison.Ordinal));
    }

    [Fact]
    public void Completions_show_names_visibly_and_give_them_as_they_are()
    {
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0] -Name $args[1]", database.ConnectionString, "s'\"$x")
            .MustSucceed();
        foreach (var (line, value) in new[]
        {
            ("Get-IndexUsageStat -TableName ",
                (string)session.Invoke("(Get-IndexUsageStat -IndexName $Index).TableName").Only().BaseObject),
            ("Get-IndexUsageStat -IndexName i", Index),
            ("Get-SlowQuery -Session ", "s'\"$x"),
        })
        {
            // The server has half a second for a completion; on a busy machine the request is repeated.
            CompletionResult? completion = null;
            for (var attempt = 0; completion is null && attempt < 60; attempt++)
            {
                completion = session.Invoke(
                    "[Management.Automation.CommandCompletion]::CompleteInput($args[0], $args[0].Length, $null)"
                    + ".CompletionMatches",
                line)
                    .MustSucceed().Output.Select(o => (CompletionResult)o.BaseObject)
                    .SingleOrDefault(
                        c => session.Invoke(c.CompletionText).Output is [{ BaseObject: string text }] && text == value);
            }

            Assert.NotNull(completion);
            Hostile.MustBeGone(completion.CompletionText);
            Hostile.MustBeGone(completion.ListItemText);
            Hostile.MustBeGone(completion.ToolTip);
        }
    }

    [Fact]
    public void A_property_keeps_the_name_as_it_is()
    {
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();

        Assert.Equal(Index, session.Invoke("Get-IndexUsageStat -IndexName $Index").Only().Properties["IndexName"].Value);
    }

    // Renders objects in their views, and each other stream.
    private ScriptResult Show(string script, params object?[] arguments)
    {
        var result = session.Invoke("$VerbosePreference = 'Continue'; " + script, arguments);
        Add(result.HostText);
        Add([.. result.Warnings, .. result.Verbose, .. session.Host.Prompts]);
        Add([.. result.Progress.SelectMany(p => new[] { p.Activity, p.StatusDescription, p.CurrentOperation })]);
        foreach (var error in result.AllErrors)
        {
            Add(error.ToString(), error.Exception.Message, error.ErrorDetails?.Message, error.ErrorDetails?.RecommendedAction,
                error.CategoryInfo.ToString());
        }

        foreach (var item in result.Output)
        {
            Add(session.Render("$args[0]", item));
        }

        return result;
    }

    private void Add(params string?[] texts)
    {
        foreach (var text in texts)
        {
            Hostile.MustBeGone(text);
            shown.Add(text ?? "");
        }
    }

    private async Task RunAsRoleAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(database.ConnectionString) {
                Username = Role, ApplicationName = Application }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static string Quoted(string name) => $"{Quote(Schema)}.{Quote(name)}";

    private static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}

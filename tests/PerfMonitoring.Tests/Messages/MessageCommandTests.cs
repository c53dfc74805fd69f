using System.Text.Json;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Messages;

/// <summary>What Get-PerfMonitoringLog and the log file keep, and what -Verbose and -Debug tell of the statements.</summary>
public sealed class MessageCommandTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const string Secret = "mar.ker@example.org";

    [Fact]
    public async Task The_statements_are_told_by_their_names_and_without_constants()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("create table people (mail text, town int); insert into people select 'm' || g, g from "
            + "generate_series(1, 5000) g; analyze people");
        using var session = new ModuleRunspace();
        session.Invoke("$null = Connect-PerfMonitoring -ConnectionString $args[0] -Name told", database.ConnectionString)
            .MustSucceed();

        var silent = session.Invoke("Test-PerfMonitoringPrerequisite").MustSucceed();
        var verbose = session.Invoke("Test-PerfMonitoringPrerequisite -Verbose").MustSucceed();
        var advised = session.Invoke(
            $"$null = New-IndexStrategy -Query \"select * from people where mail = '{Secret}'\" -Verbose -Debug "
                + "-WarningAction SilentlyContinue")
            .MustSucceed();
        var kept = session.Invoke("Get-PerfMonitoringLog -Session told").MustSucceed().Output
            .Select(o => (Level: $"{o.Properties["Level"].Value}", Cmdlet: $"{o.Properties["Cmdlet"].Value}",
                Message: $"{o.Properties["Message"].Value}")).ToList();

        Assert.Empty(silent.Verbose);
        Assert.Contains(verbose.Verbose, v => v.Contains($"/{database.Name} answered GetSettings", StringComparison.Ordinal));
        Assert.Contains(advised.Verbose, v => v.Contains("EXPLAIN", StringComparison.Ordinal));
        var debug = kept.Where(e => e.Level == "Debug").ToList();
        Assert.Contains(debug, e => e.Message.Contains("select /* perf_monitoring */ /* ", StringComparison.Ordinal));
        Assert.DoesNotContain(kept, e => e.Message.Contains("mar.ker", StringComparison.Ordinal));
        Assert.DoesNotContain(advised.Verbose, v => v.Contains("mar.ker", StringComparison.Ordinal));
        Assert.All(kept, e => Assert.Contains(e.Cmdlet, (string[])["Test-PerfMonitoringPrerequisite", "New-IndexStrategy"]));
        Assert.DoesNotContain(kept, e => e.Level == "Debug" && e.Cmdlet == "Test-PerfMonitoringPrerequisite");
    }

    [Fact]
    public async Task Each_runspace_hears_its_own_statements_only()
    {
        var heard = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(() =>
        {
            using var session = new ModuleRunspace();
            session.Invoke("$null = Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
            return i % 2 == 0
                ? session.Invoke("Get-MaintenanceWindow -Verbose").MustSucceed().Verbose
                : session.Invoke("Test-PerfMonitoringPrerequisite -Verbose").MustSucceed().Verbose;
        })));

        Assert.All([heard[0], heard[2]], v => Assert.DoesNotContain(v, l => l.Contains("GetSettings", StringComparison.Ordinal)));
        Assert.All([heard[1], heard[3]], v => Assert.Contains(v, l => l.Contains("GetSettings", StringComparison.Ordinal)));
    }

    // The ring and the file are those of a process, so this has one of its own.
    [Fact]
    public async Task Messages_are_kept_filtered_and_written_to_a_file()
    {
        var folder = Directory.CreateTempSubdirectory("messages").FullName;
        var log = Path.Combine(folder, "log.jsonl");
        File.WriteAllText(
            Path.Combine(folder, "c.json"), JsonSerializer.Serialize(new Dictionary<string, string> { ["Log.Path"] = log }));
        var (_, output, errors) = await ProgramRun.PwshToEndAsync(
            new Dictionary<string, string> { ["PERFMONITORING_CONFIG"] = Path.Combine(folder, "c.json") },
            "-Command", """
                Import-Module PerfMonitoring
                1..1100 | ForEach-Object { try { Get-SlowQuery -Session "nobody$_" } catch { } }
                Set-PerfMonitoringConfiguration SlowQuery.Top -Reset
                $since = Get-Date
                try { Connect-PerfMonitoring -ConnectionString 'host=127.0.0.1 port=1 user=u password=S3cret' } catch { }
                @(Get-PerfMonitoringLog).Count
                @(Get-PerfMonitoringLog -Level Error).Count
                (Get-PerfMonitoringLog Verbose | Select-Object -Last 1).Cmdlet
                (Get-PerfMonitoringLog -Since $since | ForEach-Object { "$($_.Level) $($_.ErrorId) $($_.Cmdlet)" })
                (Get-PerfMonitoringLog -Last 2).Count
                @(Get-PerfMonitoringLog -Cmdlet Get-Slow*, *Nothing*).Count
                @(Get-PerfMonitoringLog -Session '*').Count
                [bool](Get-PerfMonitoringLog | Where-Object Message -like '*S3cret*')
                Rename-Item $env:PERFMONITORING_CONFIG c.json.old
                $gone = Join-Path (Split-Path $env:PERFMONITORING_CONFIG) gone; $null = New-Item -ItemType Directory $gone
                Set-PerfMonitoringConfiguration Log.Path (Join-Path $gone x.jsonl); Remove-Item $gone -Recurse
                $told = 1..3 | ForEach-Object { try { Get-SlowQuery 3>&1 } catch { } }
                @($told | Where-Object { $_ -is [System.Management.Automation.WarningRecord] }).Count
                """);
        var lines = await File.ReadAllLinesAsync(log, TestContext.Current.CancellationToken);
        Directory.Delete(folder, recursive: true);

        Assert.Equal("", errors);
        Assert.Equal(
            ["1000", "998", "Connect-PerfMonitoring", "Verbose  Connect-PerfMonitoring",
                "Error ConnectionFailed Connect-PerfMonitoring", "2", "997", "0", "False", "1"],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.Equal(1103, lines.Length);
        Assert.All(lines, l => JsonDocument.Parse(l).Dispose());
        Assert.DoesNotContain(lines, l => l.Contains("S3cret", StringComparison.Ordinal));
    }
}

using System.Text.RegularExpressions;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Configuration;

/// <summary>The configuration as a user meets it, in processes of their own: its variables are those of a process.</summary>
public sealed partial class ConfigurationCommandTests(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private const string Import = "$ErrorActionPreference = 'Continue'; Import-Module PerfMonitoring -ErrorAction Stop; "
        + "function Id { try { & $args[0] 2>&1 3>&1 | ForEach-Object { if ($_ -is [System.Management.Automation.ErrorRecord]) "
        + "{ $_.FullyQualifiedErrorId.Split(',')[0] + ': ' + $_ + ' ' + $_.ErrorDetails.RecommendedAction } else { \"$_\" } } } "
        + "catch { $_.FullyQualifiedErrorId.Split(',')[0] + ': ' + $_ + ' ' + $_.ErrorDetails.RecommendedAction } }; ";

    private readonly string folder = Directory.CreateTempSubdirectory("configuration").FullName;

    private string User => Path.Combine(folder, "user.json");

    private string Machine => Path.Combine(folder, "machine.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_setting_is_set_shown_used_and_reset()
    {
        var lines = await RunAsync("""
            Set-PerfMonitoringConfiguration Advice.StorageBudget 500MB -Scope Machine
            Set-PerfMonitoringConfiguration advice.storagebudget 1.5GB -WhatIf
            Get-PerfMonitoringConfiguration *.StorageBudget
            Set-PerfMonitoringConfiguration Advice.StorageBudget 1.5GB -PassThru
            Set-PerfMonitoringConfiguration Connection.ConnectTimeout 7s
            Set-PerfMonitoringConfiguration Connection.CommandTimeout ([timespan]'00:01:30')
            (Get-PerfMonitoringConfiguration Connection.CommandTimeout).Value.GetType().Name
            [pscustomobject]@{ Name = 'Advice.MaintenanceWindow'; Value = 'offpeak' } | Set-PerfMonitoringConfiguration
            Get-PerfMonitoringConfiguration | Where-Object Source -ne BuiltIn
            Set-PerfMonitoringConfiguration Advice.* -Reset
            Get-PerfMonitoringConfiguration Advice.* | Where-Object Source -ne BuiltIn
            Get-PerfMonitoringConfiguration IndexRepair.MinimumWaste |
                ForEach-Object { "$($_.Value) $($_.Default) $($_.Parameter)" }
            """);

        Assert.Equal(
        [
            $"What if: Performing the operation \"Set Advice.StorageBudget to 1536MB\" on target \"{User}\".",
            "Advice.StorageBudget = 500MB (Machine)", "Advice.StorageBudget = 1536MB (User)", "TimeSpan",
            "Connection.ConnectTimeout = 7s (User)", "Connection.CommandTimeout = 90s (User)",
            "Advice.StorageBudget = 1536MB (User)", "Advice.MaintenanceWindow = OffPeak (User)",
            "Advice.StorageBudget = 500MB (Machine)", "10485760 10MB Repair-Index -MinimumWaste",
        ], lines);
        Assert.Contains("\"Connection.CommandTimeout\": \"90s\"", File.ReadAllText(User), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_value_is_refused_with_the_setting_and_its_limits()
    {
        string[] wrong =
        [
            "Advice.StorageBudget 0", "Advice.StorageBudget -1", "Advice.StorageBudget abc",
            "Advice.StorageBudget $true", "Advice.StorageBudget 1.5", "Advice.StorageBudget 1e300",
            "Advice.StorageBudget @{ a = 1 }", "Advice.StorageBudget @(1, 2)", "Advice.MinimumGain 1.01",
            "Advice.MinimumGain ([double]::NaN)", "Advice.MinimumGain NaN", "Advice.MaintenanceWindow Bogus",
            "Advice.MaintenanceWindow 1", "Advice.MaintenanceWindow 'OffPeak,Weekend'", "Connection.ConnectTimeout 5",
            "Connection.ConnectTimeout '5'", "Connection.ConnectTimeout 0s", "Connection.ConnectTimeout 16m",
            "Connection.StorePort 65536", "Connection.StoreHostName \"a`nb\"",
            "IndexCreation.MaximumParallelBuild 5", "IndexCreation.MaintenanceWorkMem 512",
            "IndexCreation.MaintenanceWorkMem '512 Mb'",
            "QueryLog.Retention 1h", "IndexUsage.Window 1d", "Log.Path log.txt", "Log.Path /no/such/folder/log.txt",
            "Log.MaximumFiles 0", "Log.MaximumSize 1", "Log.Level 99",
        ];
        var lines = await RunAsync(string.Join('\n', wrong.Select(w => $"Id {{ Set-PerfMonitoringConfiguration {w} }}")));

        Assert.Equal(wrong.Length, lines.Length);
        Assert.All(wrong.Zip(lines), pair =>
        {
            var name = pair.First.Split(' ')[0];
            Assert.Matches($"^InvalidArgument: -Value is no value for {name}, which must be .+", pair.Second);
        });
        Assert.False(File.Exists(User));
    }

    [Fact]
    public async Task A_name_that_is_no_setting_is_told_with_the_nearest()
    {
        var lines = await RunAsync("""
            Id { Set-PerfMonitoringConfiguration Advice.StorageBugdet 1GB }
            Id { Set-PerfMonitoringConfiguration StorageBudget 1GB }
            Id { Get-PerfMonitoringConfiguration Nothing.Near }
            Id { Set-PerfMonitoringConfiguration Nothing.Near -Reset }
            Id { Set-PerfMonitoringConfiguration Advice.* 1 }
            Id { Get-PerfMonitoringConfiguration Nothing.* }
            Id { Get-PerfMonitoringConfiguration '[' }
            (TabExpansion2 'Set-PerfMonitoringConfiguration storageb').CompletionMatches.CompletionText
            (TabExpansion2 'Set-PerfMonitoringConfiguration Advice.MaintenanceWindow o').CompletionMatches.CompletionText
            (TabExpansion2 'Set-PerfMonitoringConfiguration IndexChange.LockTimeout ').CompletionMatches.CompletionText
            """);

        Assert.StartsWith(
            "SettingNotFound: There is no setting Advice.StorageBugdet. Did you mean Advice.StorageBudget?", lines[0],
            StringComparison.Ordinal);
        Assert.Contains("Did you mean Advice.StorageBudget?", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("SettingNotFound: There is no setting Nothing.Near.", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("SettingNotFound", lines[3], StringComparison.Ordinal);
        Assert.Matches("^InvalidArgument: -Name .* settings", lines[4]);
        Assert.StartsWith("SettingNotFound", lines[5], StringComparison.Ordinal);
        Assert.Equal(["Advice.StorageBudget", "OffPeak"], lines[6..8]);
        Assert.Matches("^[0-9]+[a-z]+$", lines[8]);
    }

    [Fact]
    public async Task A_broken_file_never_goes_unsaid_and_never_breaks_the_import()
    {
        File.WriteAllText(User, "{ broken");
        File.WriteAllText(Machine, "{\"SlowQuery.Topp\": 1, \"Advice.MinimumGain\": 2, \"Advice.MaximumCount\": 3}");
        var lines = await RunAsync("""
            (Get-Module PerfMonitoring).Name
            Id { Get-SlowQuery }
            Id { Get-PerfMonitoringSession }
            Id { Get-PerfMonitoringConfiguration Advice.M* }
            Id { Set-PerfMonitoringConfiguration SlowQuery.Top 5 }
            Id { Set-PerfMonitoringConfiguration * -Reset }
            Id { Set-PerfMonitoringConfiguration SlowQuery.Top 5 -PassThru }
            Id { 'select 1' | New-IndexStrategy }
            Id { Set-PerfMonitoringConfiguration SlowQuery.Topp -Reset -Scope Machine }
            Id { Get-SlowQuery }
            """);

        Assert.Equal("PerfMonitoring", lines[0]);
        Assert.Matches("^ConfigurationInvalid: .*user.json is no JSON: line 1 .*-Reset", lines[1]);
        Assert.Contains(lines, l => Regex.IsMatch(l, "machine.json has SlowQuery.Topp.*Did you mean SlowQuery.Top?"));
        Assert.Contains(lines, l => Regex.IsMatch(
            l, "^ConfigurationInvalid: .*has 2 for Advice.MinimumGain, which must be a number, from 0 to 1"));
        Assert.Contains("Advice.MaximumCount = 3 (Machine)", lines);
        Assert.Contains(lines, l => l.EndsWith(User + ".bak.", StringComparison.Ordinal));
        Assert.Contains("SlowQuery.Top = 5 (User)", lines);
        Assert.StartsWith("NotConnected", lines[^1], StringComparison.Ordinal);
        Assert.Equal("{ broken", File.ReadAllText(User + ".bak"));
        Assert.Single(lines, l => l.Contains("SlowQuery.Topp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_others_can_write_stops_what_would_use_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        File.WriteAllText(Machine, "{\"Connection.StoreHostName\": \"mallory.example.org\"}");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Machine, (UnixFileMode)0b110_110_000);
        }

        var lines = await RunAsync("Id { Connect-PerfMonitoring -HostName 127.0.0.1 -Port 1 }; Id { Get-PerfMonitoringSession }");

        Assert.Matches("^ConfigurationUnsafe: .*machine.json can be written by others.*chmod go-w", Assert.Single(lines));
    }

    [Fact]
    public async Task A_file_of_another_user_stops_what_would_use_it()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && OperatingSystem.IsLinux(), "Only root gives files away.");
        File.WriteAllText(User, "{\"SlowQuery.Top\": 1}");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(User, (UnixFileMode)0b110_100_100);
        }

        await ProgramRun.ToEndAsync("chown", "", "nobody", User);

        Assert.Matches("^ConfigurationUnsafe: .*belongs to nobody", Assert.Single(await RunAsync("Id { Get-SlowQuery }")));
    }

    [Fact]
    public async Task What_is_given_goes_before_defaults_of_the_shell_the_user_and_the_machine()
    {
        File.WriteAllText(Machine, "{\"SlowQuery.Top\": 4, \"QueryLog.Retention\": \"90d\", \"SlowQuery.MinimumCalls\": 1}");
        File.WriteAllText(User, "{\"SlowQuery.Top\": 3}");
        await database.ExecuteAsync("create extension if not exists pg_stat_statements; create table seen (i int)");
        for (var i = 1; i <= 6; i++)
        {
            await database.ExecuteAsync($"select {string.Join(", ", Enumerable.Range(1, i))} from seen");
        }

        var lines = await RunAsync("""
            $null = Connect-PerfMonitoring
            $only = @{ Like = '*from seen*' }
            @(Get-SlowQuery @only).Count
            @(Get-SlowQuery @only -Top 5).Count
            $PSDefaultParameterValues['Get-SlowQuery:Top'] = 2
            @(Get-SlowQuery @only).Count
            $PSDefaultParameterValues.Clear()
            Set-PerfMonitoringConfiguration SlowQuery.Top -Reset
            @(Get-SlowQuery @only).Count
            Get-SlowQuery @only -Verbose 4>&1 |
                Where-Object { $_ -is [System.Management.Automation.VerboseRecord] } | ForEach-Object { "$_" }
            $null = Initialize-PerfMonitoringStore -Confirm:$false
            $days = ([DateTimeOffset]::Now - (Clear-QueryPerformanceLog -Confirm:$false).Before).TotalDays
            [Math]::Round($days)
            Set-PerfMonitoringConfiguration QueryLog.Retention -Reset -Scope Machine
            Id { Clear-QueryPerformanceLog -Confirm:$false }
            """, database.Cluster.Environment(database.Name));

        Assert.Equal(["3", "5", "2", "4"], lines[..4]);
        Assert.Contains($"SlowQuery.Top is 4, from {Machine}.", lines);
        Assert.Contains(lines, l => AnsweredBy().IsMatch(l));
        Assert.Equal("90", lines[^2]);
        Assert.Matches("^InvalidArgument: -Before is not given.*QueryLog.Retention", lines[^1]);
    }

    [Fact]
    public async Task Every_setting_is_described_and_shared_ones_agree()
    {
        var topic = File.ReadAllText(Path.Combine(Repository.Root, "docs", "en-US", "about_PerfMonitoring_Configuration.md"));
        var lines = await RunAsync("""
            Get-PerfMonitoringConfiguration | ForEach-Object { "- $($_.Name): $($_.Description)" }
            '--'
            Get-PerfMonitoringConfiguration | Where-Object {
                -not $_.Limits -or -not $_.Type -or (-not $_.Parameter -and $_.Name -notlike 'Log.*') } | ForEach-Object Name
            '--'
            $flags = [Reflection.BindingFlags]'Instance, Public, NonPublic'
            $types = (Get-Module PerfMonitoring).ImplementingAssembly.GetTypes()
            $all = $types | Where-Object { -not $_.IsAbstract } | ForEach-Object {
                $type = $_; foreach ($p in $type.GetProperties($flags)) {
                    $c = $p.CustomAttributes | Where-Object { $_.AttributeType.Name -like 'Configured*' }
                    if ($c) { $o = [Activator]::CreateInstance($type, $true)
                        $like = "$($p.PropertyType) $($p.GetValue($o))"
                        $limits = $p.CustomAttributes | Where-Object { $_.AttributeType.Name -match 'Duration|ValidateRange' }
                        [pscustomobject]@{ Name = $c.ConstructorArguments[0].Value; Like = "$like $limits" } } } }
            $all | Group-Object Name | Where-Object { @($_.Group.Like | Sort-Object -Unique).Count -gt 1 } | ForEach-Object Name
            $all.Name | Sort-Object -Unique | Where-Object { $_ -notin (Get-PerfMonitoringConfiguration).Name }
            """);
        var described = lines.TakeWhile(l => l != "--").ToList();

        Assert.InRange(described.Count, 30, 100);
        Assert.Equal(described, SettingLine().Matches(Regex.Replace(topic, "\n  +", " ")).Select(m => m.Value));
        Assert.Equal(["--", "--"], lines[described.Count..]);
    }

    private async Task<string[]> RunAsync(string script, IReadOnlyDictionary<string, string>? environment = null)
    {
        var (_, output, errors) = await ProgramRun.PwshToEndAsync(
            new Dictionary<string, string>(environment ?? new Dictionary<string, string>())
            {
                ["PERFMONITORING_CONFIG"] = User,
                ["PERFMONITORING_MACHINE_CONFIG"] = Machine,
            },
            "-Command", $"{Import}& {{\n{script}\n}} | ForEach-Object {{ \"$_\" }}");
        Assert.Equal("", errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    [GeneratedRegex("^.+/.+ answered .*Get[A-Z].* in [0-9]+ ms")]
    private static partial Regex AnsweredBy();

    [GeneratedRegex(@"^- [A-Z][A-Za-z]+\.[A-Z][A-Za-z]+: .*$", RegexOptions.Multiline)]
    private static partial Regex SettingLine();
}

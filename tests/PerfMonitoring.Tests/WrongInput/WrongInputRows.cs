using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.WrongInput;

/// <summary>
/// The table of wrong input. It is generated from the parameters of the cmdlets; each row has one value and the other arguments
/// that the call needs.
/// </summary>
internal static class WrongInputRows
{
    // These values are wrong for every parameter.
    private static readonly string[] NoTexts =
        ["''", "' '", "\"`t`n\"", "$null", "\"a`0b\"", "('x' * 100000)", "\"a$([char]0xD800)\""];

    private static readonly string[] NoLists = ["@()", "@($null)", "@('a', $null)", "@('a', '')", "@('a', ' ')"];

    private static readonly string[] NoNumbers = [
        "-1", "NaN", "([double]::NaN)", "([double]::PositiveInfinity)", "abc", "1e400", "$null"];

    private static readonly string[] NoTimes =
        ["([DateTimeOffset]::MinValue)", "([DateTimeOffset]::MaxValue)", "([DateTime]::MinValue)", "notadate", "'2026-02-30'",
            "@{}", "$null", "0001-01-02"];

    private static readonly string[] NoDurations =
        ["-1s", "'-5m'", "-00:00:05", "5", "0.5", "99999999999d", "'5 parsecs'", "([timespan]::MaxValue)", "([double]::NaN)",
            "''"];

    private static readonly string[] NoSessions =
        ["''", "' '", "$null", "nowhere", "42", "@{ Name = 'one' }", "$closed", "([DateTime]::Now)", "{ 1 }",
            "@('one', 'nowhere')", "'nowhere*'", "([pscustomobject]@{ Name = 'one' })", "\"on`0e\""];

    private static readonly string[] NoObjects = [
        "$null", "42", "text", "@{}", "([pscustomobject]@{ a = 1 })", "$true", "([DateTime]::Now)"];

    private static readonly string[] NoIds = ["x", "''", "'*'", "([guid]::Empty)", "$null", "@()", "@($null)", "'{0}'", "1"];

    // Harmless as a pattern or as a name that does not exist. The call must give a proper answer and change nothing.
    private static readonly string[] OddTexts =
        ["'*'", "'['", "'[z-a]'", "'a]'", "\"'\"", "'\"'", "\"`e[2J\"", "\"x`u{202e}y\"", "('[' * 900)"];

    // Other arguments that a call needs, by the parameter's name.
    private static readonly Dictionary<string, string> Valid = new()
    {
        ["MetricType"] = "QueryTime", ["Warning"] = "1", ["Critical"] = "2", ["TableName"] = "t", ["Query"] = "'select 1'",
        ["Before"] = "2001-01-01",
        ["Window"] = "OffPeak", ["Bloated"] = "", ["Pending"] = "", ["Created"] = "", ["After"] = "7d", ["IndexName"] = "t_i",
        ["FromLog"] = "",
        ["Since"] = "2026-01-01", ["Until"] = "2026-01-02", ["ConnectionString"] = "$cs", ["InputObject"] = "$strategy",
        ["SlowQuery"] = "$slow", ["Id"] = "([guid]::Empty)",
        ["Action"] = "$strategy", ["Name"] = "SlowQuery.Top", ["Value"] = "1", ["Reset"] = "",
    };

    /// <summary>Calls that must fail: the cmdlet, the wrong parameter, the whole call.</summary>
    public static IReadOnlyList<(string Command, string Parameter, string Script)> Wrong { get; } = [
        .. Generate(mustFail: true), .. ByHand.Select(r => (r.Script.Split(' ')[0], r.Parameter, r.Script))];

    /// <summary>Calls that may succeed without a result; a cmdlet that changes something gets -WhatIf.</summary>
    public static IReadOnlyList<(string Command, string Parameter, string Script)> Odd { get; } = [.. Generate(mustFail: false)];

    // Combinations of parameters, and values for one parameter alone.
    private static IEnumerable<(string Parameter, string Script)> ByHand =>
    [
        .. from call in new[] {
            "Get-SlowQuery -FromLog", "Get-QueryPerformanceLog", "Get-IndexStrategyHistory", "Get-IndexUsageStat" }
           from range in new[] {
               "-Since 2026-02-01 -Until 2026-01-01", "-Since 2999-01-01 -Until 1999-01-01",
               "-Until 2026-01-01 -Since '2026-01-01 00:00:01'" }
           select ("Since", $"{call} {range}"),
        ("Since", "Get-QueryPerformanceLog notadate 2026-01-01"), ("Until", "Get-QueryPerformanceLog 2026-01-01 notadate"),
        .. from call in new[] { "New-PerformanceThreshold", "Test-PerformanceThreshold" }
           from arguments in new[]
           {
               ("MetricType", "Bogus 1 2"), ("MetricType", "'' 1 2"), ("MetricType", "99 1 2"),
               ("MetricType", "'QueryTime,TableSize' 1 2"), ("Warning", "QueryTime abc 2"),
               ("Warning", "QueryTime ([double]::NaN) 2"), ("Warning", "QueryTime ([double]::PositiveInfinity) 2"),
               ("Warning", "QueryTime -1 2"), ("Warning", "QueryTime 0 2"), ("Critical", "QueryTime 1 NaN"),
               ("Critical", "QueryTime 1 ''"), ("Critical", "QueryTime 1 $null"), ("Critical", "QueryTime 1 $true"),
               ("Warning", "QueryTime 5 1"), ("Warning", "QueryTime 5s 1s"),
               ("Warning", "TableSize 1s 5s"), ("Critical", "ConnectionCount 1 '5m'"), ("Warning", "CacheHitRatio 0.9 0.95"),
               ("Warning", "CacheHitRatio 95 90"),
               ("Unit", "QueryTime 1 2 -Unit Ratio"),
               ("Unit", "QueryTime 1 2 -Unit Bogus"), ("TableName", "QueryTime 1 2 -TableName t"),
               ("TableName", "TableSize 1 2 -TableName nowhere"),
               ("TableName", "TableSize 1 2 -TableName t.t.t"), ("TableName", "TableSize 1 2 -TableName '*'"),
           }
           select (arguments.Item1, $"{call} {arguments.Item2}"),
        .. from configuration in new[]
           {
               "$cycle", "@{ list = $ring }", "$deep", "$bomb", "@{ n = [double]::NaN }", "@{ n = [float]::PositiveInfinity }",
               "@{ t = \"a`0b\" }", "@{ \"a`0b\" = 1 }", "@{ s = { 1 } }",
               "@{ t = 'x' * 100000 }", "@{ o = $object }", "@{ l = 1..2000 }", "@{ @{} = 1 }",
               "@{ k = [System.Threading.Thread]::CurrentThread }", "text", "42",
               "([System.Collections.Specialized.OrderedDictionary]::new() | ForEach-Object { $_.Add('a', 1); $_.Add('A', 2); "
                   + "$_ })",
           }
           from call in new[] { "New-PerformanceThreshold DeadlockCount 1 2", "Set-PerformanceThreshold $threshold.Id" }
           select ("AlertConfiguration", $"{call} -AlertConfiguration {configuration}"),
        ("Warning", "Set-PerformanceThreshold $threshold.Id"), ("Warning", "Set-PerformanceThreshold $threshold.Id -PassThru"),
        ("Critical", "Set-PerformanceThreshold $threshold.Id -Critical 5"),
        ("Unit", "Set-PerformanceThreshold $threshold.Id -Unit Percentage"),
        ("Warning", "Set-PerformanceThreshold $threshold.Id -Warning ([double]::NaN)"),
        ("MaintenanceWindow", "$strategy | Set-IndexStrategy"), ("CronExpression", "Set-MaintenanceWindow OffPeak"),
        ("Window", "Set-MaintenanceWindow Bogus '0 22 * * *'"),
        ("Window", "Set-MaintenanceWindow Immediate '0 22 * * *'"),
        ("CronExpression", "Set-MaintenanceWindow OffPeak 'every day'"),
        ("CronExpression", "Set-MaintenanceWindow OffPeak '* * *'"),
        ("CronExpression", "Set-MaintenanceWindow OffPeak ('9' * 900)"),
        ("TimeZone", "Set-MaintenanceWindow OffPeak '0 22 * * *' -TimeZone Mars/Olympus"),
        ("TimeZone", "Set-MaintenanceWindow OffPeak '0 22 * * *' -TimeZone ../../etc/passwd"),
        .. from query in new[]
           {
               "selct 1", "'select from where'", "'select * from nowhere'", "\"select 'unterminated\"", "'select \"unterminated'",
               "'select $$unterminated'", "'select 1 /* open'",
               "'create table u (i int)'", "'drop table t'", "'vacuum t'", "'set work_mem = 1'", "'begin'",
               "'select 1; select (2'", "'select 1); select 2'", "';;;'", "'-- only a comment'",
               "'select no_such_column from t'", "'select 1; selct 2'", "'copy t to stdout'", "'\\d t'",
           }
           select ("Query",
               $"New-IndexStrategy -Query ({query.TrimStart()})".Replace("(selct 1)", "'selct 1'", StringComparison.Ordinal)),
        ("Column", "New-IndexStrategy t nowhere"), ("Column", "New-IndexStrategy t ('x' * 900)"),
        ("Where", "New-IndexStrategy t grp -Where ';'"), ("Where", "New-IndexStrategy t grp -Where 'grp >'"),
        ("Where", "New-IndexStrategy t grp -Where \"grp = 'x\""), ("Expression", "New-IndexStrategy t -Expression 'lower('"),
        ("Expression", "New-IndexStrategy t -Expression ('(' * 5000)"),
        ("IndexName", "New-IndexStrategy t grp -IndexName ('x' * 64)"), ("IndexName", "New-IndexStrategy t grp -IndexName t_i"),
        ("TableName", "New-IndexStrategy t.t.t.t grp"),
        ("TableName", "New-IndexStrategy nowhere grp"), ("TableName", "New-IndexStrategy '\"t' grp"),
        ("IndexType", "New-IndexStrategy t grp -IndexType Bogus"),
        .. from name in new[] { "'*'", "'o*'", "'a?'", "'[a]'", "' a'", "'a '", "\"a`e[2Jb\"", "'one'", "'a`b'" } select (
            "Name", $"Connect-PerfMonitoring -ConnectionString $cs -Name {name}"),
        ("StoreConnectionString",
            "Connect-PerfMonitoring $hostName $db -Port $port -Credential $credential -StoreConnectionString $cs "
                + "-StoreHostName $hostName"),
        ("StoreConnectionString",
            "Connect-PerfMonitoring $hostName $db -Port $port -Credential $credential -StoreConnectionString $cs "
                + "-StoreDatabase $db"),
        ("StoreConnectionString",
            "Connect-PerfMonitoring $hostName $db -Port $port -Credential $credential "
                + "-StoreConnectionString $cs -StorePort $port"),
        ("StoreConnectionString",
            "Connect-PerfMonitoring $hostName $db -Port $port -Credential $credential -StoreConnectionString nonsense"),
        ("StoreConnectionString", "Connect-PerfMonitoring -ConnectionString $cs -StoreConnectionString 'Nonsense=1'"),
        ("StoreDatabase", "Connect-PerfMonitoring -ConnectionString $cs -StoreDatabase nowhere"),
        ("StoreDatabase", "Connect-PerfMonitoring $hostName $db -Port $port -Credential $credential -StoreDatabase nowhere"),
        ("StoreSslMode", "Connect-PerfMonitoring -ConnectionString $cs -StoreSslMode bogus"),
        ("SslMode", "Connect-PerfMonitoring -ConnectionString $cs -SslMode bogus"),
        ("ConnectionString", "Connect-PerfMonitoring -ConnectionString $cs -HostName $hostName"),
        ("ConnectionString", "Connect-PerfMonitoring -ConnectionString 'Host=;;;==1'"),
        ("Database", "Connect-PerfMonitoring $hostName nowhere -Port $port -Credential $credential"),
        ("ActingUser", "Connect-PerfMonitoring -ConnectionString $cs -ActingUser ('x' * 101)"),
        ("Database", "Get-SlowQuery -Database nowhere"), ("User", "Get-SlowQuery -User nobody_there"),
        ("User", "Get-SlowQuery -FromLog -User nobody_there"),
        ("User", "Get-QueryPerformanceLog -User nobody_there"), ("QueryHash", "Get-QueryPerformanceLog -QueryHash abc"),
        ("TableName", "Get-IndexUsageStat nowhere"),
        ("IndexName", "Get-IndexUsageStat t nowhere"), ("TableName", "Get-IndexUsageStat nowhere -Since 2020-01-01"),
        ("TableName", "Update-IndexUsageStat nowhere"),
        ("TableName", "Get-IndexCandidate nowhere"), ("TableName", "Get-IndexStrategy nowhere"),
        ("IndexName", "Get-IndexStrategy t nowhere"), ("TableName", "Get-IndexStrategyHistory nowhere"),
        ("IndexName", "Get-IndexStrategyHistory t nowhere"), ("IndexName", "Repair-Index nowhere"),
        ("IndexName", "Repair-Index nowhere -Bloated"), ("IndexName", "Invoke-IndexRemoval nowhere"),
        ("IndexName", "Invoke-IndexRemoval 'nowhere*'"), ("IndexName", "Undo-IndexRemoval -IndexName nowhere"),
        ("TableName", "Get-PerformanceThreshold -TableName nowhere"),
        .. from value in new[] { "0", "-1", "NaN", "$true", "''", "@{ a = 1 }", "@(1, 2)", "('9' * 900)", "\"`e[2J\"", "$null" }
           select ("Value", $"Set-PerfMonitoringConfiguration SlowQuery.Top {value}"),
        ("Name", "Set-PerfMonitoringConfiguration SlowQuery.* 1"), ("Name", "Set-PerfMonitoringConfiguration Nowhere.Top 1"),
        ("Name", "Get-PerfMonitoringConfiguration Nowhere.Top"),
        ("Name", "Get-PerfMonitoringSession nowhere"), ("Session", "Disconnect-PerfMonitoring nowhere"),
        ("Pending", "Get-IndexStrategy -Pending -Created"), ("Force", "Invoke-IndexCreation $strategy -Force -WaitForWindow"),
        ("Pending", "Invoke-IndexCreation -InputObject $strategy -Pending"),
        ("Unused", "Get-IndexUsageStat -Window 35d -Since 2020-01-01"), ("FromLog", "Get-SlowQuery -FromLog:$false -Bogus"),
    ];

    private static IEnumerable<(string Command, string Parameter, string Script)> Generate(bool mustFail)
    {
        using var session = new ModuleRunspace();
        foreach (var command in session.Invoke("Get-Command -Module PerfMonitoring")
            .MustSucceed().Output.Select(o => (CommandInfo)o.BaseObject))
        {
            foreach (var parameter in command.Parameters.Values.Where(
                p => !Cmdlet.CommonParameters.Contains(p.Name) && !Cmdlet.OptionalCommonParameters.Contains(p.Name)
                    && p.Name is not ("Target" or "DatabaseIdentity")))
            {
                foreach (var value in mustFail ? Impossible(command.Name, parameter) : Odds(command.Name, parameter))
                {
                    yield return (command.Name, parameter.Name, Call(command, parameter, value, mustFail));
                }
            }
        }
    }

    private static IEnumerable<string> Impossible(string command, ParameterMetadata parameter)
    {
        var type = parameter.ParameterType;
        var element = type.IsArray ? type.GetElementType()! : type;
        element = Nullable.GetUnderlyingType(element) ?? element;
        return parameter.Name is "Session" or "Replica" && command != "Get-PerfMonitoringLog"
            // What it disconnects is missing in the next rows; what it does not find needs no disconnecting.
            ? NoSessions.Where(
                s => command != "Disconnect-PerfMonitoring" || s is not ("$closed" or "'nowhere*'" or "@('one', 'nowhere')"))
            : element == typeof(string) ? [.. NoTexts, .. type.IsArray ? NoLists : []]
            : element.IsEnum
            ? ["Bogus", "99", "-1", "''", "' '", "$null", $"'{string.Join(',', Enum.GetNames(element).Take(2))},'", "@{}",
            .. type.IsArray ? ["@()", "@('Bogus')"] : (string[])[$"'{string.Join(',', Enum.GetNames(element).Take(2))}'"]]
            : element == typeof(DateTimeOffset) || element == typeof(DateTime) ? NoTimes
            : element == typeof(TimeSpan) ? NoDurations
            : element == typeof(Guid) ? NoIds
            : element == typeof(SwitchParameter) || element == typeof(bool) ? ["abc", "@{}"]
            : element.IsPrimitive || element == typeof(decimal) ? NoNumbers
            : element == typeof(PSCredential) || typeof(IDictionary).IsAssignableFrom(element) ? []
            : parameter.Name is "InputObject" or "SlowQuery" or "Action"
            ? NoObjects.Where(o => command != "New-IndexStrategy" || o != "text")
            : [];
    }

    // Calls that might wait for an unreachable server, or for samples, are among the rows by hand.
    private static IEnumerable<string> Odds(string command, ParameterMetadata parameter) =>
        parameter.ParameterType == typeof(string) || parameter.ParameterType == typeof(string[])
            ? command is "Connect-PerfMonitoring" or "Test-PerformanceThreshold" || parameter.Name == "Query" ? [] : OddTexts
            : [];

    private static string Call(CommandInfo command, ParameterMetadata parameter, string value, bool mustFail)
    {
        // Uses the set with the fewest other parameters.
        var set = command.ParameterSets.Where(s => s.Parameters.Any(p => p.Name == parameter.Name))
            .MinBy(s =>
                s.Parameters.Count(p => p.IsMandatory)
                + (s.Parameters.Any(p => p is { Name: "InputObject" or "Action", IsMandatory: true }) ? 10 : 0))!;
        var others = set.Parameters.Where(p => p.IsMandatory && p.Name != parameter.Name)
            .Select(p => $"-{p.Name} {(p.Name == "Window" && p.ParameterType != typeof(TimeSpan) ? "OffPeak" : Valid[p.Name])}")
            .ToList();
        if (command.Name == "Connect-PerfMonitoring" && set.Name == "Parts")
        {
            others.AddRange(
                new[] { ("HostName", "$hostName"), ("Port", "$port"), ("Database", "$db"), ("Credential", "$credential") }
                .Where(p => p.Item1 != parameter.Name).Select(p => $"-{p.Item1} {p.Item2}"));
        }

        // A mandatory -Window of New-IndexStrategy needs -Column.
        if (command.Name == "New-IndexStrategy" && set.Parameters.Any(p => p.Name == "Column")
            && parameter.Name is not ("Column" or "Expression"))
        {
            others.Add("-Column grp");
        }

        var changes = command.Parameters.ContainsKey("WhatIf") ? mustFail ? " -Confirm:$false" : " -WhatIf" : "";
        var isSwitch = parameter.ParameterType == typeof(SwitchParameter);
        return $"{command.Name} {string.Join(' ', others)} -{parameter.Name}{(isSwitch ? ":" : " ")}{value}{changes}".Replace(
            "  ", " ", StringComparison.Ordinal);
    }
}

using System.Collections.Concurrent;
using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>Lists the statements that cost most, from pg_stat_statements or from the stored log.</summary>
[Cmdlet(VerbsCommon.Get, "SlowQuery", DefaultParameterSetName = "Statistics", HelpUri = OnlineHelp.Folder + "Get-SlowQuery.md")]
[OutputType(typeof(SlowQuery))]
public sealed class GetSlowQueryCommand : ConnectedCmdlet
{
    [Parameter(Position = 0)]
    [ValidateRange(1, int.MaxValue)]
    [Alias("First")]
    [Configured("SlowQuery.Top")]
    public int Top { get; set; }

    [Parameter]
    [ValidateRange(0.0, double.MaxValue)]
    [Configured("SlowQuery.MinimumMeanMs")]
    public double MinimumMeanMs { get; set; }

    [Parameter]
    [ValidateRange(0L, long.MaxValue)]
    [Configured("SlowQuery.MinimumCalls")]
    public long MinimumCalls { get; set; }

    [Parameter]
    [Word(typeof(SlowQueryOrder))]
    [KnownWord]
    public SlowQueryOrder OrderBy { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? User { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? Like { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? ExcludeLike { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Log")]
    public SwitchParameter FromLog { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "LogSince")]
    [Parameter(ParameterSetName = "Log")]
    [Moment]
    public DateTimeOffset? Since { get; set; }

    [Parameter(ParameterSetName = "Log")]
    [Parameter(ParameterSetName = "LogSince")]
    [Parameter(Mandatory = true, ParameterSetName = "LogUntil")]
    [Moment]
    public DateTimeOffset? Until { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var filter = new SlowQueryFilter
        {
            Top = Top == 0 ? null : Top,
            MinimumMeanMs = MinimumMeanMs,
            MinimumCalls = MinimumCalls,
            OrderBy = OrderBy,
            Databases = Database,
            Users = User,
            Like = Like,
            ExcludeLike = ExcludeLike,
            Since = Since,
            Until = Until,
        };
        var isFromLog = ParameterSetName != "Statistics";
        var found = 0L;
        var warnings = new Warnings();
        WriteAll(
            token => isFromLog
                ? Connection.QueryLog.GetSlowQueriesAsync(filter, token)
                : Connection.Queries.GetSlowQueriesAsync(filter, warnings, token),
            query =>
            {
                found++;
                WriteObject(query);
            });
        if (found == 0)
        {
            foreach (var missing in Await(token => ServerNames.GetMissingAsync(Connection, Database, User, token)))
            {
                WriteError(Errors.Record(missing));
            }
        }

        if (isFromLog)
        {
            return;
        }

        foreach (var warning in warnings.Texts)
        {
            WriteWarning(warning);
        }

        var hidden = Await(token => Connection.Queries.CountHiddenAsync(filter, token));
        if (hidden > 0)
        {
            WriteWarning(Hidden.Message(hidden, Connection.UserName));
        }
    });

    // Reports come from another thread; the pipeline takes them when it has the queries.
    private sealed class Warnings : IProgress<string>
    {
        public ConcurrentQueue<string> Texts { get; } = new();

        public void Report(string value) => Texts.Enqueue(value);
    }
}

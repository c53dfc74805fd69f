using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>Reads the stored log, the latest first.</summary>
[Cmdlet(VerbsCommon.Get, "QueryPerformanceLog", HelpUri = OnlineHelp.Folder + "Get-QueryPerformanceLog.md")]
[OutputType(typeof(QueryPerformanceEntry))]
public sealed class GetQueryPerformanceLogCommand : ByNameCmdlet
{
    private readonly List<string> hashes = [];

    [Parameter(Position = 0)]
    [Moment]
    public DateTimeOffset? Since { get; set; }

    [Parameter(Position = 1)]
    [Moment]
    public DateTimeOffset? Until { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidatePattern("^[0-9a-fA-F]{64}$")]
    public string[]? QueryHash { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[]? User { get; set; }

    [Parameter]
    public SwitchParameter SlowOnly { get; set; }

    [Parameter]
    [ValidateRange(0.0, 1e15)]
    public double MinimumMs { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    [Alias("Top")]
    public int First { get; set; }

    // Several piped statements are read with one statement to the store.
    internal override void ProcessItem() => hashes.AddRange((QueryHash ?? []).Select(h => h.ToLowerInvariant()));

    internal override void EndWork() => Run(() =>
    {
        if (hashes.Count == 0 && ExpectsInput)
        {
            return;
        }

        var filter = new QueryPerformanceLogFilter
        {
            Since = Since,
            Until = Until,
            QueryHash = hashes.Count == 0 ? null : hashes,
            Users = User,
            SlowOnly = SlowOnly,
            MinimumMs = MinimumMs,
            First = First == 0 ? null : First,
        };
        var found = 0L;
        WriteAll(token => Connection.QueryLog.GetAsync(filter, token), entry =>
        {
            found++;
            WriteObject(entry with { Target = Connection.Target });
        });
        if (found == 0)
        {
            foreach (var missing in Await(token => ServerNames.GetMissingAsync(Connection, null, User, token)))
            {
                WriteError(Errors.Record(missing));
            }
        }
    });
}

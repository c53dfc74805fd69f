using System.Management.Automation;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Verification;

/// <summary>Compares the executions of statements before and after the build of an index.</summary>
[Cmdlet(
    VerbsDiagnostic.Test, "IndexStrategy",
    DefaultParameterSetName = CreatedSet,
    HelpUri = OnlineHelp.Folder + "Test-IndexStrategy.md")]
[OutputType(typeof(IndexVerification), typeof(bool))]
public sealed class TestIndexStrategyCommand : ConnectedCmdlet
{
    private const string CreatedSet = "Made";
    private const string StrategySet = "Strategy";
    private const string IdSet = "Id";

    private int judged;
    private int passedOver;
    private bool isGood = true;

    /// <summary>Strategies whose index was built, or results of the builds.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = StrategySet)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of stored strategies whose index was built.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>Every existing index that was built since this time; by default all that were built.</summary>
    [Parameter(ParameterSetName = CreatedSet)]
    [Moment]
    public DateTimeOffset? Since { get; set; }

    /// <summary>The length of the observation window before and after the build.</summary>
    [Parameter]
    [Duration("1ms", "3650d")]
    [Configured("Verification.Window")]
    public TimeSpan Window { get; set; } = new VerificationOptions().Window;

    /// <summary>The smallest change of time that counts, as a share.</summary>
    [Parameter]
    [ValidateRange(0.001, 0.99)]
    [Configured("Verification.MinimumEffect")]
    public double MinimumEffect { get; set; } = new VerificationOptions().MinimumEffect;

    /// <summary>Confidence level of the intervals, 0 to 1.</summary>
    [Parameter]
    [ValidateRange(0.5, 0.9999)]
    [Configured("Verification.Confidence")]
    public double Confidence { get; set; } = new VerificationOptions().Confidence;

    /// <summary>Returns only whether all indexes were judged and none regressed.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    internal override void ProcessItem()
    {
        if (ParameterSetName == CreatedSet)
        {
            Judge(null, () => Made(new IndexActionFilter { Since = Since }));
            return;
        }

        foreach (var item in InputObject)
        {
            Judge(item, () => Builds(item));
        }

        foreach (var id in Id)
        {
            Judge(id, () => Made(new IndexActionFilter { StrategyIds = [id] }) is [.., var last]
                ? [last] : throw Errors.IndexNotCreated(id, id));
        }
    }

    internal override void EndWork()
    {
        if (judged == 0 && passedOver > 0)
        {
            WriteWarning(
                $"None of the {passedOver} index(es) was built by PerfMonitoring and is still there: there is nothing to judge. "
                    + "Invoke-IndexCreation builds what Get-IndexStrategy -Pending lists.");
        }

        if (Quiet)
        {
            // A run without any verdict, or with a failure, is not a success.
            WriteObject(isGood && judged > 0);
        }
    }

    private void Judge(object? item, Func<IReadOnlyList<IndexAction>> find)
    {
        var isDone = false;
        ForItem(item, () =>
        {
            foreach (var create in find())
            {
                Verify(create);
            }

            isDone = true;
        });
        isGood &= isDone;
    }

    // A verification changes nothing, so names and ids need no target. A target of another database is refused. Strategies that
    // are adopted or still to be built come down the same pipeline, and are passed over.
    private IReadOnlyList<IndexAction> Builds(PSObject item)
    {
        if (item.BaseObject is IndexStrategy strategy)
        {
            PipelineObject.Check(strategy.Target, Connection.Target, $"The strategy for {strategy.IndexName}", strategy);
            return Last(
                Made(new() { TableName = strategy.TableName, IndexName = strategy.IndexName }), strategy.IndexName);
        }

        var read = new PipelineObject(
            item, "an index strategy or a result of Invoke-IndexCreation",
            "Pipe what Get-IndexStrategy or Invoke-IndexCreation gives, or pass -Id.");
        if (read.HasTarget)
        {
            read.MustBeOf(Connection.Target);
        }

        if (read.Text("TableName") is { } table && read.Text("IndexName") is { } index)
        {
            return Last(Made(new() { TableName = table, IndexName = index }), index);
        }

        var id = read.Get<Guid>("IndexStrategyId") ?? read.Need<Guid>("Id");
        return Last(Made(new() { StrategyIds = [id] }), id);
    }

    private IReadOnlyList<IndexAction> Made(IndexActionFilter filter) =>
        Await(token => IndexVerifier.GetCreatedAsync(Connection.Actions, filter, token));

    private IReadOnlyList<IndexAction> Last(IReadOnlyList<IndexAction> made, object name)
    {
        if (made is [.., var last])
        {
            return [last];
        }

        passedOver++;
        WriteVerbose($"{name} is passed over: the history of this database has no build of it by PerfMonitoring that stands.");
        return [];
    }

    private void Verify(IndexAction create)
    {
        var options = new VerificationOptions { Window = Window, MinimumEffect = MinimumEffect, Confidence = Confidence };
        var verification = Await(token => IndexVerifier.VerifyAsync(Connection, create, options, token));
        judged++;
        isGood &= verification.Verdict is VerificationVerdict.Improved or VerificationVerdict.Neutral;
        if (!Quiet)
        {
            WriteObject(verification);
        }
    }
}

using System.Management.Automation;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Commands.IndexVerification;

/// <summary>Compares the executions of statements before and after the build of an index.</summary>
[Cmdlet(VerbsDiagnostic.Test, "IndexStrategy", DefaultParameterSetName = MadeSet)]
[OutputType(typeof(Model.IndexVerification), typeof(bool))]
public sealed class TestIndexStrategyCommand : ConnectedCmdlet
{
    private const string MadeSet = "Made";
    private const string StrategySet = "Strategy";
    private const string IdSet = "Id";

    private bool isGood = true;

    /// <summary>Strategies whose index was built.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = StrategySet)]
    public IndexStrategy[] InputObject { get; set; } = [];

    /// <summary>Ids of stored strategies whose index was built.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>Every index that was built since, and is there; without it all that were built.</summary>
    [Parameter(ParameterSetName = MadeSet)]
    public DateTimeOffset? Since { get; set; }

    /// <summary>How long before and after the build executions are looked at.</summary>
    [Parameter]
    [Duration]
    public TimeSpan Window { get; set; } = new VerificationOptions().Window;

    /// <summary>The least change of time that counts, as a share.</summary>
    [Parameter]
    [ValidateRange(0.001, 0.99)]
    public double MinimumEffect { get; set; } = new VerificationOptions().MinimumEffect;

    /// <summary>Confidence of the intervals.</summary>
    [Parameter]
    [ValidateRange(0.5, 0.9999)]
    public double Confidence { get; set; } = new VerificationOptions().Confidence;

    /// <summary>Only whether none regressed.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        if (Window <= TimeSpan.Zero || Window > TimeSpan.FromDays(3650))
        {
            ThrowTerminatingError(Errors.Record(new PerfMonitoringException(
                "InvalidWindow", FailureKind.InvalidArgument, $"-Window is {Window}; it must be above 0 and at most 10 years.", "Write 7d, or 12h.", Window)));
        }
    }

    protected override void ProcessRecord()
    {
        if (ParameterSetName == MadeSet)
        {
            ForItem(null, () =>
            {
                foreach (var create in Made(new IndexActionFilter { Since = Since }))
                {
                    Verify(create);
                }
            });
            return;
        }

        foreach (var strategy in InputObject)
        {
            ForItem(strategy, () =>
            {
                if (strategy.Target is { } other && !other.IsSameDatabaseAs(Connection.Target))
                {
                    throw Errors.OtherDatabase($"Strategy {strategy.IndexName}", other, Connection.Target, strategy);
                }

                Verify(Only(Made(new IndexActionFilter { TableName = strategy.TableName, IndexName = strategy.IndexName }), strategy.IndexName, strategy));
            });
        }

        foreach (var id in Id)
        {
            ForItem(id, () => Verify(Only(Made(new IndexActionFilter { StrategyIds = [id] }), id, id)));
        }
    }

    protected override void EndProcessing()
    {
        if (Quiet)
        {
            WriteObject(isGood);
        }
    }

    private IReadOnlyList<IndexAction> Made(IndexActionFilter filter) => Await(token => IndexVerifier.GetMadeAsync(Connection.Actions, filter, token));

    private static IndexAction Only(IReadOnlyList<IndexAction> made, object name, object item) => made.Count > 0 ? made[^1] : throw Errors.IndexNotMade(name, item);

    private void Verify(IndexAction create)
    {
        var options = new VerificationOptions { Window = Window, MinimumEffect = MinimumEffect, Confidence = Confidence };
        var verification = Await(token => IndexVerifier.VerifyAsync(Connection, create, options, token));
        isGood &= verification.Verdict != VerificationVerdict.Regressed;
        if (!Quiet)
        {
            WriteObject(verification);
        }
    }
}

using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Removal;
using PerfMonitoring.Repositories;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Commands.IndexVerification;

/// <summary>Takes back indexes that PerfMonitoring built and that did not help.</summary>
[Cmdlet(VerbsCommon.Undo, "IndexCreation", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = VerificationSet)]
[OutputType(typeof(IndexRemovalResult))]
public sealed class UndoIndexCreationCommand : IndexChangeCmdlet
{
    private const string VerificationSet = "Verification";
    private const string IdSet = "Id";
    private const string AfterSet = "After";

    /// <summary>Results of Test-IndexStrategy; only what regressed is taken back.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = VerificationSet)]
    public Model.IndexVerification[] InputObject { get; set; } = [];

    /// <summary>Ids of strategies whose index is taken back whatever it does.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>Every index that was built so long ago and regressed, or was never scanned in that time.</summary>
    [Parameter(Mandatory = true, ParameterSetName = AfterSet)]
    [Duration]
    public TimeSpan After { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Sessions on the standbys of the server, or their names: an index that they scan is used.</summary>
    [Parameter(ParameterSetName = AfterSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>Why, for the audit.</summary>
    [Parameter(ParameterSetName = IdSet)]
    [ValidateNotNullOrEmpty]
    public string Reason { get; set; } = "Taken back by hand.";

    protected override void ProcessRecord()
    {
        foreach (var verification in InputObject)
        {
            ForItem(verification, () =>
            {
                if (verification.Target is { } other && !other.IsSameDatabaseAs(Connection.Target))
                {
                    throw Errors.OtherDatabase($"Index {verification.IndexName}", other, Connection.Target, verification);
                }

                if (verification.Verdict != VerificationVerdict.Regressed)
                {
                    WriteVerbose($"{verification.IndexName} stays: {verification.Reason}");
                    return;
                }

                var made = Made(new() { TableName = verification.TableName, IndexName = verification.IndexName });
                Revert(made.Count > 0 ? made[0] : throw Errors.IndexNotMade(verification.IndexName, verification), verification.Reason, verification);
            });
        }

        foreach (var id in Id)
        {
            ForItem(id, () =>
            {
                var made = Made(new() { StrategyIds = [id] });
                Revert(made.Count > 0 ? made[^1] : throw Errors.IndexNotMade(id, id), Reason, null);
            });
        }

        if (ParameterSetName == AfterSet)
        {
            ForItem(null, RevertWhatDidNotHelp);
        }
    }

    private void RevertWhatDidNotHelp()
    {
        if (After < TimeSpan.Zero || After > TimeSpan.FromDays(3650))
        {
            throw new PerfMonitoringException(
                "InvalidAfter", FailureKind.InvalidArgument, $"-After is {After}; it must be from 0 to 10 years.", "Write 7d, or 12h.", After);
        }

        var now = DateTimeOffset.UtcNow;
        var scope = Scope(Replica, DropVerdict.DefaultWindow);
        var usage = Await(token => PartitionedIndexes.ReadAllAsync(Connection, scope, token)).ToDictionary(s => (s.TableName, s.IndexName));
        foreach (var create in Made(new()).Where(m => m.FinishedAt <= now - After))
        {
            ForItem(create, () =>
            {
                if (!usage.TryGetValue((create.TableName, create.IndexName), out var figures))
                {
                    WriteVerbose($"{create.IndexName} is not there any more.");
                    return;
                }

                var verification = Await(token => IndexVerifier.VerifyAsync(Connection, create, new VerificationOptions(), token));
                var reason = verification.Verdict == VerificationVerdict.Regressed
                    ? verification.Reason : IndexReversion.UnusedReason(create, figures, now, After);
                if (reason is null)
                {
                    WriteVerbose($"{create.IndexName} stays: {verification.Reason}");
                    return;
                }

                Revert(create, reason, verification);
            });
        }
    }

    private IReadOnlyList<IndexAction> Made(IndexActionFilter filter) => Await(token => IndexVerifier.GetMadeAsync(Connection.Actions, filter, token));

    private void Revert(IndexAction create, string reason, Model.IndexVerification? verification)
    {
        var removal = Await(token => IndexReversion.PrepareAsync(Connection, create, reason, verification, token));
        if (!ShouldDrop(removal, $"{removal.Statement} -- {reason}"))
        {
            return;
        }

        Change(
            $"Dropping index {create.IndexName} on {create.TableName}", (progress, token) => removal.RunAsync(Connection, Options, progress, token));
    }
}

using System.Management.Automation;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Usage;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>Reverts indexes that PerfMonitoring built and that did not help.</summary>
[Cmdlet(
    VerbsCommon.Undo, "IndexCreation",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = VerificationSet,
    HelpUri = OnlineHelp.Folder + "Undo-IndexCreation.md")]
[OutputType(typeof(IndexRemovalResult))]
public sealed class UndoIndexCreationCommand : IndexChangeCmdlet
{
    private const string VerificationSet = "Verification";
    private const string IdSet = "Id";
    private const string AfterSet = "After";

    /// <summary>
    /// Results of Test-IndexStrategy, of which only regressed indexes are reverted; or strategies, whose index is reverted
    /// whatever its effect.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = VerificationSet)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of strategies whose index is reverted whatever its effect.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>
    /// Reverts every index that was built at least this long ago and regressed, or was never scanned in that time.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = AfterSet)]
    [Duration("0s", "3650d")]
    public TimeSpan After { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Sessions on the standbys of the server, or their names. An index that is scanned there counts as used.</summary>
    [Parameter(ParameterSetName = AfterSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>The reason, for the audit.</summary>
    [Parameter(ParameterSetName = VerificationSet)]
    [Parameter(ParameterSetName = IdSet)]
    [ValidateNotNullOrEmpty]
    public string Reason { get; set; } = "Reverted by hand.";

    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () =>
            {
                if (item.BaseObject is IndexStrategy strategy)
                {
                    PipelineObject.Check(strategy.Target, Connection.Target, $"The strategy for {strategy.IndexName}", strategy);
                    RevertByHand(strategy.Id);
                }
                else
                {
                    RevertWhatRegressed(Read(item));
                }
            });
        }

        foreach (var id in Id)
        {
            ForItem(id, () => RevertByHand(id));
        }

        if (ParameterSetName == AfterSet)
        {
            ForItem(null, RevertWhatDidNotHelp);
        }
    }

    private void RevertByHand(Guid id)
    {
        var made = Made(new() { StrategyIds = [id] });
        Revert(made.Count > 0 ? made[^1] : throw Errors.IndexNotCreated(id, id), Reason, null);
    }

    private IndexVerification Read(PSObject item)
    {
        if ((item.BaseObject as IndexVerification ?? (item.BaseObject as IndexCreationResult)?.Verification) is { } live)
        {
            PipelineObject.Check(live.Target, Connection.Target, $"Index {live.IndexName}", live);
            return live;
        }

        var read = new PipelineObject(
            item, "a result of Test-IndexStrategy",
            "Pipe what Test-IndexStrategy gives, or pass -Id to take the index back whatever its verdict is.");
        read.MustBeOf(Connection.Target);
        return new IndexVerification
        {
            TableName = read.NeedText("TableName"),
            IndexName = read.NeedText("IndexName"),
            BuiltAt = default,
            Verdict = read.Need<VerificationVerdict>("Verdict"),
            Reason = read.Text("Reason") ?? "",
            Target = Connection.Target,
        };
    }

    // The verdict may be from yesterday or from a file. The index is judged again, with the limits of a live verdict.
    private void RevertWhatRegressed(IndexVerification shown)
    {
        if (shown.Verdict != VerificationVerdict.Regressed)
        {
            WriteVerbose($"{shown.IndexName} stays: {shown.Reason}");
            return;
        }

        if (FindBuild() is not { } create)
        {
            return;
        }

        var options = shown.Window == TimeSpan.Zero
            ? new VerificationOptions()
            : new VerificationOptions
            {
                Window = shown.Window, MinimumEffect = shown.MinimumEffect, Confidence = shown.Confidence,
            };
        var verification = Await(token => IndexVerifier.VerifyAsync(Connection, create, options, token));
        if (verification.Verdict != VerificationVerdict.Regressed)
        {
            // Another run may have reverted it first.
            if (FindBuild() is null)
            {
                return;
            }

            throw new PerfMonitoringException(
                ErrorIds.VerdictChanged, FailureKind.InvalidArgument,
                $"{shown.IndexName} stays: the verdict was Regressed and is now {verification.Verdict}. {verification.Reason}",
                "Run Test-IndexStrategy again, or pass -Id to take the index back whatever its verdict is.", shown);
        }

        Revert(create, verification.Reason, verification);

        // Null if it was already reverted.
        IndexAction? FindBuild()
        {
            var made = Made(new() { TableName = shown.TableName, IndexName = shown.IndexName });
            if (made.Count > 0)
            {
                return made[0];
            }

            if (!Await(token => IndexVerifier.WasCreatedAsync(Connection.Actions, shown.TableName, shown.IndexName, token)))
            {
                throw Errors.IndexNotCreated(shown.IndexName, shown);
            }

            WriteVerbose($"{shown.IndexName} on {shown.TableName} was reverted already: there is nothing to undo.");
            return null;
        }
    }

    private void RevertWhatDidNotHelp()
    {
        var now = DateTimeOffset.UtcNow;
        var scope = UsageScopes.Of(this, Replica, DropVerdict.DefaultWindow);
        var usage = Await(token => PartitionedIndexes.ReadAllAsync(Connection, scope, token))
            .ToDictionary(s => (s.TableName, s.IndexName));
        foreach (var create in Made(new()).Where(m => m.FinishedAt <= now - After))
        {
            ForItem(create, () =>
            {
                if (!usage.TryGetValue((create.TableName, create.IndexName), out var figures))
                {
                    WriteVerbose($"{create.IndexName} is gone.");
                    return;
                }

                var verification = Await(
                    token => IndexVerifier.VerifyAsync(Connection, create, new VerificationOptions(), token));
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

    private IReadOnlyList<IndexAction> Made(IndexActionFilter filter) =>
        Await(token => IndexVerifier.GetCreatedAsync(Connection.Actions, filter, token));

    private void Revert(IndexAction create, string reason, IndexVerification? verification)
    {
        if (Await(token => IndexReversion.PrepareAsync(Connection, create, reason, verification, token)) is not { } removal)
        {
            WriteVerbose($"{create.IndexName} on {create.TableName} is gone: there is nothing to undo.");
            return;
        }

        if (!ShouldDrop(removal, $"{removal.Statement} -- {reason}"))
        {
            return;
        }

        Change(
            $"Dropping index {create.IndexName} on {create.TableName}", (progress, token) =>
                removal.RunAsync(Connection, Options, progress, token));
    }
}

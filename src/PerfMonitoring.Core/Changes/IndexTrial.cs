using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>
/// Watches the statements after indexes were built, judges the indexes, and takes back those that made statements slower.
/// </summary>
/// <param name="connection">The session.</param>
/// <param name="after">How long to watch.</param>
/// <param name="revert">Whether what regressed is dropped again.</param>
/// <param name="options">Limits of such a drop.</param>
public sealed class IndexTrial(IMonitoringConnection connection, TimeSpan after, bool revert, IndexBuildOptions options)
{
    // As many as a mean is made of at most, see MeanEstimate.
    private const int Intervals = 10;

    /// <summary>
    /// Brings the log up to date, so that what the statements did before the builds and what they do after stand in intervals of
    /// their own.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, ExtensionMissing and what else keeps the log from being
    /// written.</exception>
    public Task CollectAsync(CancellationToken cancellationToken) =>
        connection.QueryLog.UpdateAsync(new Progress<string>(), cancellationToken);

    /// <summary>Watches, bringing the log up to date again and again.</summary>
    /// <param name="progress">Is told where it stands.</param>
    /// <param name="cancellationToken">Gives up; the indexes stay.</param>
    /// <exception cref="PerfMonitoringException">The log could not be brought up to date at the end; a failure before is made up
    /// for by the next time.</exception>
    public async Task WatchAsync(IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var phase = $"collecting statistics for {after:c}";
        for (var i = 0; i <= Intervals; i++)
        {
            progress.Report(
                new IndexCreationProgress {
                Phase = phase, Percent = 100.0 * i / Intervals, Remaining = after * (Intervals - i) / Intervals });
            try
            {
                await CollectAsync(cancellationToken);
            }
            catch (PerfMonitoringException e) when (i < Intervals && !cancellationToken.IsCancellationRequested)
            {
                phase = string.Create(
                    CultureInfo.InvariantCulture,
                    $"collecting statistics for {after:c}; that failed at {DateTimeOffset.UtcNow:HH:mm} UTC: {e.Message}");
            }

            await Task.Delay(i < Intervals ? after / Intervals : TimeSpan.Zero, cancellationToken);
        }
    }

    /// <summary>Judges an index that this run built, and takes it back where that was asked for and it regressed.</summary>
    /// <param name="created">What became of the build: Created.</param>
    /// <param name="progress">Is told where the drop stands.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>The result with the verdict, and the error that kept the index from being judged or dropped, if any.</returns>
    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> JudgeAsync(
        IndexCreationResult created, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(created);
        try
        {
            var made = await IndexVerifier.GetMadeAsync(
                connection.Actions, new() { TableName = created.TableName, IndexName = created.IndexName }, cancellationToken);
            if (made is not [.., { } build])
            {
                throw new PerfMonitoringException(
                    ErrorIds.IndexNotMade, FailureKind.NotFound,
                    $"{created.IndexName} is not verified: the history of this database does not have its build.",
                    "Mend the store; Get-IndexStrategyHistory shows what it has.", created);
            }

            var verification = await IndexVerifier.VerifyAsync(connection, build, new VerificationOptions(), cancellationToken);
            created = created with { Verification = verification };
            if (!revert || verification.Verdict != VerificationVerdict.Regressed)
            {
                return (created, null);
            }

            if (await IndexReversion.PrepareAsync(
                connection, build, verification.Reason, verification, cancellationToken) is not { } removal)
            {
                return (created with { Reason = $"Somebody else dropped it: {verification.Reason}" }, null);
            }

            var (removed, error) = await removal.RunAsync(connection, options, progress, cancellationToken);
            return removed.State == IndexRemovalState.Removed
                ? (created with { State = IndexCreationState.Reverted, Reason = verification.Reason, Error = error?.Message },
                    error)
                : (created with { Error = error?.Message, LeftoverIndex = removed.LeftoverIndex }, error);
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            return (created with { Error = e.Message }, e);
        }
    }
}

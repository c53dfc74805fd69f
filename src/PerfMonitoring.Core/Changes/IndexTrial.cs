using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>
/// Observes the statements after indexes were created, judges the indexes, and reverts those that made statements slower.
/// </summary>
/// <param name="connection">The session.</param>
/// <param name="after">Duration of the observation.</param>
/// <param name="revert">Whether to drop the indexes that regressed.</param>
/// <param name="options">Limits of a drop.</param>
internal sealed class IndexTrial(IMonitoringConnection connection, TimeSpan after, bool revert, IndexChangeOptions options)
{
    // The largest number of batches of a mean, see MeanEstimate.
    private const int Intervals = 10;

    /// <summary>Updates the log, so that the executions before the builds and after them are in separate intervals.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, ExtensionMissing, and other errors that prevent an update of the
    /// log.</exception>
    public Task CollectAsync(CancellationToken cancellationToken) =>
        connection.QueryLog.UpdateAsync(new Progress<string>(), cancellationToken);

    /// <summary>Observes the statements and updates the log repeatedly.</summary>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellationToken">Cancels the operation; the indexes stay.</param>
    /// <exception cref="PerfMonitoringException">The last update of the log failed; the next update compensates for an earlier
    /// failure.</exception>
    public async Task WatchAsync(IProgress<IndexChangeProgress> progress, CancellationToken cancellationToken)
    {
        var phase = $"collecting statistics for {after:c}";
        for (var i = 0; i <= Intervals; i++)
        {
            progress.Report(
                new IndexChangeProgress {
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

    /// <summary>Judges an index that this run created, and reverts it where that is requested and it regressed.</summary>
    /// <param name="created">The result of the build: Created.</param>
    /// <param name="progress">Receives progress of the drop.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The result with the verdict, and the error that prevented the verdict or the drop, if any.</returns>
    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> JudgeAsync(
        IndexCreationResult created, IProgress<IndexChangeProgress> progress, CancellationToken cancellationToken)
    {
        try
        {
            var made = await IndexVerifier.GetCreatedAsync(
                connection.Actions, new() { TableName = created.TableName, IndexName = created.IndexName }, cancellationToken);
            if (made is not [.., { } build])
            {
                throw new PerfMonitoringException(
                    ErrorIds.IndexNotCreated, FailureKind.NotFound,
                    $"{created.IndexName} is not verified: the history of this database does not have its build.",
                    "Repair the store; Get-IndexStrategyHistory shows what it has.", created);
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

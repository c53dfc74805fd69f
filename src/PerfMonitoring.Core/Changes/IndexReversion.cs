using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;
using PerfMonitoring.Usage;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>Which of the indexes that this product made are to be taken back, and why.</summary>
public static class IndexReversion
{
    /// <summary>Why an index that nobody scans may go, or null where it may not, or that is unknown.</summary>
    /// <param name="create">Its build.</param>
    /// <param name="usage">Its figures.</param>
    /// <param name="now">The time.</param>
    /// <param name="after">How long it must have been there, and its scans counted.</param>
    public static string? UnusedReason(IndexAction create, IndexUsageStat usage, DateTimeOffset now, TimeSpan after)
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(usage);
        var since = usage.CountersSince is { } counted && create.FinishedAt is { } built
            ? (counted > built ? counted : built) : (DateTimeOffset?)null;

        // A unique index enforces something; the statistics of an expression are of use without a scan.
        return usage is { TotalScans: 0, UnaskedStandbyCount: 0, LostExpressions.Count: 0, IsUnique: false }
            && since <= now - after
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Not scanned in the {(now - since.Value).TotalDays:0.#} days since "
                    + $"{since.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC.")
            : null;
    }

    /// <summary>Makes ready to take an index back.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="create">Its build: one of <see cref="IndexVerifier.GetMadeAsync"/>.</param>
    /// <param name="reason">Why, in a sentence.</param>
    /// <param name="verification">The figures behind the reason, or null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The removal; null where the index is not there any more, for somebody else was first.</returns>
    /// <exception cref="PerfMonitoringException">IndexIsNeeded; IndexChanged: there is another index of that name
    /// now.</exception>
    public static async Task<IndexRemoval?> PrepareAsync(
        IMonitoringConnection connection, IndexAction create, string reason, IndexVerification? verification,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(create);
        var usage = (await PartitionedIndexes.ReadAllAsync(connection, new(), cancellationToken))
            .FirstOrDefault(s => s.TableName == create.TableName && s.IndexName == create.IndexName && s.IndexOid is not null);
        if (usage is null
            || await IndexRemoval.PrepareAsync(connection, usage.IndexOid!.Value, new(), force: true, cancellationToken) is not {
            } removal)
        {
            return null;
        }

        if (create.IndexStrategyId is { } id)
        {
            await foreach (var strategy in connection.Strategies.GetAsync(
                new() { Ids = [id], IncludeInactive = true }, cancellationToken))
            {
                if (!IndexEquality.CouldServe(removal.Index.Definition, strategy.Definition))
                {
                    throw new PerfMonitoringException(
                        ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                        $"{create.IndexName} on {create.TableName} is another index now than the one that PerfMonitoring built: "
                        + $"{QueryText.HideConstants(removal.Index.ServerDefinition)}.",
                        "Drop it with Invoke-IndexRemoval if it is not needed.", create);
                }
            }
        }

        return removal with
        {
            RevertReason = reason,
            Verification = verification is null ? null : JsonSerializer.SerializeToElement(
                new { verification.Verdict, verification.Effect, verification.EffectLower, verification.EffectUpper,
                    verification.Confidence, verification.CallsBefore, verification.CallsAfter },
                IndexDefinitionJson.Options),
        };
    }
}

using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;
using PerfMonitoring.Usage;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>Selects the indexes of this module to revert, with the reason.</summary>
internal static class IndexReversion
{
    /// <summary>Why an index that nobody scans may go, or null where it may not, or that is unknown.</summary>
    /// <param name="create">Its build.</param>
    /// <param name="usage">Its figures.</param>
    /// <param name="now">The present time.</param>
    /// <param name="after">Minimum age of the index and of the counters of its scans.</param>
    public static string? UnusedReason(IndexAction create, IndexUsageStat usage, DateTimeOffset now, TimeSpan after)
    {
        var since = usage.CountersSince is { } counted && create.FinishedAt is { } built
            ? (counted > built ? counted : built) : (DateTimeOffset?)null;

        // A unique index enforces uniqueness, and the statistics of an expression are useful without a scan.
        return usage is { TotalScans: 0, UnaskedStandbyCount: 0, LostExpressions.Count: 0, IsUnique: false }
            && since <= now - after
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Not scanned in the {(now - since.Value).TotalDays:0.#} days since "
                    + $"{since.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC.")
            : null;
    }

    /// <summary>Prepares a revert.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="create">The build: one of <see cref="IndexVerifier.GetCreatedAsync"/>.</param>
    /// <param name="reason">The reason, in one sentence.</param>
    /// <param name="verification">The figures behind the reason, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The removal; null where somebody else has dropped the index.</returns>
    /// <exception cref="PerfMonitoringException">IndexIsNeeded; IndexChanged: another index has the name now.</exception>
    public static async Task<IndexRemoval?> PrepareAsync(
        IMonitoringConnection connection, IndexAction create, string reason, IndexVerification? verification,
        CancellationToken cancellationToken)
    {
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
            Verification = verification is null
                ? null
                : JsonSerializer.SerializeToElement(
                    new Figures(
                        verification.Verdict, verification.Effect, verification.EffectLower, verification.EffectUpper,
                        verification.Confidence, verification.CallsBefore, verification.CallsAfter),
                    IndexDefinitionJson.Options),
        };
    }

    /// <summary>What the audit keeps of a verification.</summary>
    private sealed record Figures(
        VerificationVerdict Verdict, double? Effect, double? EffectLower, double? EffectUpper, double Confidence,
        long CallsBefore, long CallsAfter);
}

using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Audit;

/// <summary>The indexes that were created by this module and dropped again since they did not help.</summary>
public static class RevertedIndexes
{
    /// <summary>The indexes that were taken back, as statements without a name, with when and why.</summary>
    /// <param name="actions">The audit.</param>
    /// <param name="since">Those taken back before this are left out.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> GetAsync(
        IIndexActionRepository actions, DateTimeOffset since, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(actions);
        var reverted = new Dictionary<string, string>();
        var filter = new IndexActionFilter {
            Actions = [IndexActionKind.Revert], Outcomes = [IndexActionOutcome.Succeeded], Since = since };
        await foreach (var action in actions.GetAsync(filter, cancellationToken))
        {
            if (DefinitionOf(action) is { } definition)
            {
                // The latest comes first.
                reverted.TryAdd(
                    definition.ToAnonymousStatement(),
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"It was built, and taken back on {action.StartedAt.UtcDateTime:yyyy-MM-dd}: {action.Reason}"));
            }
        }

        return reverted;
    }

    private static IndexDefinition? DefinitionOf(IndexAction action) => action.Evidence is not { } evidence
        ? null : JsonSerializer.Deserialize<Evidence>(evidence, IndexDefinitionJson.Options)!.Definition;

    private sealed record Evidence(IndexDefinition? Definition);
}

using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Audit;

/// <summary>The indexes that this module created and reverted because they did not help.</summary>
internal static class RevertedIndexes
{
    /// <summary>The reverted indexes: the statement without a name, with time and reason.</summary>
    /// <param name="actions">The audit.</param>
    /// <param name="since">Earlier reverts are left out.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> GetAsync(
        IIndexActionRepository actions, DateTimeOffset since, CancellationToken cancellationToken)
    {
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
                        $"It was built, and reverted on {action.StartedAt.UtcDateTime:yyyy-MM-dd}: {action.Reason}"));
            }
        }

        return reverted;
    }

    private static IndexDefinition? DefinitionOf(IndexAction action) => action.Evidence is not { } evidence
        ? null : JsonSerializer.Deserialize<Evidence>(evidence, IndexDefinitionJson.Options)!.Definition;

    private sealed record Evidence(IndexDefinition? Definition);
}

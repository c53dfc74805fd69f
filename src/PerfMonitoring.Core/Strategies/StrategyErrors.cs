using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Strategies;

/// <summary>The errors of strategies that several places raise.</summary>
internal static class StrategyErrors
{
    /// <summary>StrategyNotFound.</summary>
    /// <param name="asked">The id or the name that was asked for.</param>
    /// <param name="target">The database that the strategy is for.</param>
    public static PerfMonitoringException NotFound(object asked, ServerTarget target) => new(
        ErrorIds.StrategyNotFound, FailureKind.NotFound, $"The store has no index strategy '{asked}' for {target}.",
        "Get-IndexStrategy lists them; -IncludeInactive shows removed ones too.", asked);

    /// <summary>Refuses a definition that the store does not take.</summary>
    /// <exception cref="PerfMonitoringException">DefinitionTooLong.</exception>
    public static void CheckLength(IndexStrategy strategy)
    {
        if (strategy.IndexDefinition.Length > IndexDefinition.MaximumLength)
        {
            throw new PerfMonitoringException(
                ErrorIds.DefinitionTooLong, FailureKind.InvalidArgument,
                $"The definition of index {strategy.IndexName} has {strategy.IndexDefinition.Length} characters; the store "
                    + $"takes {IndexDefinition.MaximumLength}.",
                "Shorten the predicate or the expression, for instance by a function of your own.", strategy.IndexName);
        }
    }
}

using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>One variant of a statement.</summary>
/// <param name="Text">The statement to plan.</param>
/// <param name="Share">Assumed share of the executions, 0 to 1. The shares of a statement add up to 1.</param>
internal sealed record PlanVariant(PlanText Text, double Share);

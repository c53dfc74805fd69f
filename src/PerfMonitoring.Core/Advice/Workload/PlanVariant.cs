using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>One variant of a statement.</summary>
/// <param name="Text">The statement to plan.</param>
/// <param name="Share">Assumed share of the executions, 0 to 1. The shares of a statement add up to 1. A variant with the share
/// 0 counts only where the server's counters show that it runs (<see cref="VariantShares"/>).</param>
internal sealed record PlanVariant(PlanText Text, double Share);

using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>One way in which a statement is run.</summary>
/// <param name="Text">What is planned.</param>
/// <param name="Share">The share of its runs that are taken to be so, 0 to 1. Those of a statement add up to 1.</param>
public sealed record PlanVariant(PlanText Text, double Share);

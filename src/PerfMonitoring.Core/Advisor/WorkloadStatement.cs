namespace PerfMonitoring.Advisor;

/// <summary>One statement of the workload.</summary>
/// <param name="Text">The text that is planned, with constants or with $n.</param>
/// <param name="QueryHash">Fingerprint.</param>
/// <param name="Pattern">The text without constants, for people to read.</param>
/// <param name="Weight">How often it counts.</param>
/// <param name="MeanTimeMs">Mean measured time in milliseconds, or null.</param>
public sealed record WorkloadStatement(string Text, string QueryHash, string Pattern, double Weight, double? MeanTimeMs)
{
    /// <summary>
    /// The time in which it ran as often as its weight says; <see cref="TimeSpan.MaxValue"/> where it is not known since when it was counted, null
    /// where it was not counted at all.
    /// </summary>
    public TimeSpan? Window { get; init; }
}

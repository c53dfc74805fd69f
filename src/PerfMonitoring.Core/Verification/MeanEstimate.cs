using PerfMonitoring.QueryLog;

namespace PerfMonitoring.Verification;

/// <summary>
/// Mean execution time of a query from its intervals, with its variance. Calls in the same hour share the load of that hour and
/// are not independent, and the load of one hour correlates with the next. Consecutive intervals are therefore joined to at most
/// ten batches (batch means: Schmeiser, Operations Research 30 (1982) 556-568). The mean is total time over calls. Its variance
/// is that of a ratio over the batches, k/(k-1) * sum (T_i - M n_i)² / n² (Cochran, Sampling Techniques, 3rd ed., 2.11), and at
/// least that of independent calls, s²/n. The remaining persistence of the load widens it (see Persistence) and costs one degree
/// of freedom. With fewer than <see cref="MinimumBatches"/> batches the differences of load cannot be measured. The load of each
/// batch is then assumed to deviate by <see cref="AssumedLoadDeviation"/> in addition.
/// </summary>
/// <param name="Mean">Mean in milliseconds.</param>
/// <param name="Variance">Variance of the mean; null where it cannot be estimated.</param>
/// <param name="DegreesOfFreedom">Degrees of freedom of the variance.</param>
/// <param name="Calls">Number of executions.</param>
/// <param name="Intervals">Number of intervals.</param>
internal readonly record struct MeanEstimate(double Mean, double? Variance, double DegreesOfFreedom, long Calls, int Intervals)
{
    /// <summary>With fewer calls the mean of skewed times is too far from normal.</summary>
    public const int MinimumCalls = 30;

    /// <summary>Fewer batches of equal weight tell too little about the differences of the load.</summary>
    public const int MinimumBatches = 5;

    /// <summary>
    /// Assumed standard deviation of the mean time between intervals, as a share, where it cannot be measured.
    /// </summary>
    public const double AssumedLoadDeviation = 0.25;

    private const int MaximumBatches = 10;
    private const double MostPersistence = 0.8;

    /// <summary>The estimate; it has 0 calls where nothing was observed.</summary>
    public static MeanEstimate From(IReadOnlyCollection<QueryObservation> observations)
    {
        var calls = observations.Sum(o => o.Calls);
        if (calls == 0)
        {
            return default;
        }

        double n = calls;
        var mean = observations.Sum(o => o.TotalTimeMs) / n;
        if (calls < MinimumCalls)
        {
            return new(mean, null, 0, calls, observations.Count);
        }

        var independent = observations.All(o => o.SquaredTime is not null)
            ? Math.Max(0, observations.Sum(o => o.SquaredTime!.Value) - (n * mean * mean)) / (n - 1) / n
            : (double?)null;
        var batches = Batches(observations, n);

        // Kish's effective number: one long interval among short ones is hardly more than one.
        var effective = n * n / batches.Sum(b => b.Calls * b.Calls);
        if (effective < MinimumBatches - 1e-9)
        {
            var load = Math.Pow(AssumedLoadDeviation * mean, 2) / effective;
            return new(mean, independent + load, n - 1, calls, observations.Count);
        }

        var clustered = effective / (effective - 1) * batches.Sum(b => Math.Pow(b.TimeMs - (mean * b.Calls), 2)) / (n * n);
        return new(
            mean, Math.Max(clustered * Persistence(batches, mean), independent ?? 0), effective - 2, calls, observations.Count);
    }

    // Growth of the variance where the load of a batch correlates with the previous one: (1 + r) / (1 - r) of the first-order
    // autocorrelation r, corrected for the bias of few batches (Bence, Ecology 76 (1995) 628-639).
    private static double Persistence(List<(double Calls, double TimeMs)> batches, double mean)
    {
        var deviations = batches.Select(b => (b.TimeMs / b.Calls) - mean).ToList();
        var squares = deviations.Sum(d => d * d);
        var raw = squares > 0 ? deviations.Zip(deviations.Skip(1), (a, b) => a * b).Sum() / squares : 0;
        var r = Math.Clamp(((batches.Count * raw) + 1) / (batches.Count - 4), 0, MostPersistence);
        return (1 + r) / (1 - r);
    }

    // Batches with about the same number of calls each.
    private static List<(double Calls, double TimeMs)> Batches(IEnumerable<QueryObservation> observations, double calls)
    {
        var batches = new List<(double Calls, double TimeMs)>();
        var (seen, current) = (0.0, (Calls: 0.0, TimeMs: 0.0));
        foreach (var observation in observations.OrderBy(o => o.End))
        {
            seen += observation.Calls;
            current = (current.Calls + observation.Calls, current.TimeMs + observation.TotalTimeMs);
            if (seen >= (batches.Count + 1) * calls / MaximumBatches - 1e-9)
            {
                batches.Add(current);
                current = default;
            }
        }

        return batches;
    }
}

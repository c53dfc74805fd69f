using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace PerfMonitoring.Indexes;

/// <summary>
/// The values of a column and how often they occur, corrected where ANALYZE counts too few. ANALYZE's estimator (Duj1 of Haas,
/// Stokes, JASA 1998, in analyze.c) treats all values alike. Where some are frequent it misses up to nine of ten.
/// </summary>
/// <remarks>
/// The values beyond the common ones are such that ANALYZE would count in its sample what it did. With two or more common values,
/// the others continue their ranks by a law of Zipf and Mandelbrot: the share of the value of rank r after k common ones is that
/// of the last common value times (1 + r/k)^-a, and the exponent a follows from ANALYZE's count. Without common values all are
/// equally frequent. On 60 columns (the histories of 14 repositories, generated tables of five applications) half of the counts
/// of skewed columns are within 10 % of the real ones, and the worst is 0.48; those of ANALYZE are 0.07 to 0.8.
/// </remarks>
internal static class DistinctValues
{
    private const int Steps = 32;
    private const double MostTimes = 1e4;

    // The advice asks for the values of a column once for each index that has it. A copy of a column has the same list of
    // frequencies.
    private static readonly ConditionalWeakTable<
        object, ConcurrentDictionary<(double?, double?, double?, double, bool?), KeyFrequencies>> Known = [];

    /// <summary>Distinct values among that many rows of the table; null where unknown.</summary>
    public static double? Of(ColumnInfo column, double rows) =>
        column.CountDistinct(rows) is { } counted
            ? Math.Max(counted, Frequencies(column, rows).Distinct(Filled(column, rows))) : null;

    /// <summary>
    /// The frequencies of the values among the rows that have such a one; each row has its own value where the number is unknown.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="rows">All rows of the table.</param>
    /// <param name="areCommon">True for the common values only, false for the others only, null for all.</param>
    public static KeyFrequencies Frequencies(ColumnInfo column, double rows, bool? areCommon = null) =>
        Known.GetOrCreateValue(column.CommonFrequencies.Count > 0 ? column.CommonFrequencies : column).GetOrAdd(
            (column.Distinct, column.NullFraction, column.SampledRows, rows, areCommon), _ => Find(column, rows, areCommon));

    private static KeyFrequencies Find(ColumnInfo column, double rows, bool? areCommon)
    {
        var filled = Filled(column, rows);
        var share = Math.Max(1e-9, 1 - (column.NullFraction ?? 0));
        var common = column.CommonFrequencies.Select(f => f / share).ToList();
        var rest = filled * (1 - common.Sum());
        var counted = Math.Min(column.CountDistinct(rows) ?? filled, filled);
        var sampled = column.SampledRows / rows;
        if (areCommon == true)
        {
            return KeyFrequencies.Of(common, []);
        }

        if (rest < 1 || counted >= filled || !(sampled < 1))
        {
            return areCommon is null
                ? KeyFrequencies.Of(common, filled, counted) : KeyFrequencies.Of([], rest, counted - common.Count);
        }

        // For such classes of values: the count that ANALYZE would give.
        double CountOf(List<(double Keys, double Mean)> classes)
        {
            var (met, singles) = ((double)common.Count, 0.0);
            foreach (var (keys, mean) in classes)
            {
                met += keys * KeyFrequencies.Occurrence(mean * sampled.Value);
                singles += keys * mean * sampled.Value * Math.Exp(-mean * sampled.Value);
            }

            var all = filled * sampled.Value;
            return all * met / (all - singles + (singles * sampled.Value));
        }

        var found = common.Count < 2
            ? Fit(k => [(k, rest / k)], Math.Max(1, counted - common.Count) / 2, rest * MostTimes, isGeometric: true)
            : Fit(
                a => KeyFrequencies.Continue(common.Count, common[^1] * filled, rest, a), 0, KeyFrequencies.LargestExponent,
                isGeometric: false);
        return KeyFrequencies.Of(areCommon is null ? common : [], found.ConvertAll(c => (c.Keys, c.Mean / filled)));

        List<(double Keys, double Mean)> Fit(
            Func<double, List<(double Keys, double Mean)>> classes, double least, double most, bool isGeometric)
        {
            for (var step = 0; step < Steps; step++)
            {
                var middle = isGeometric ? Math.Sqrt(least * most) : (least + most) / 2;
                (least, most) = CountOf(classes(middle)) < counted ? (middle, most) : (least, middle);
            }

            return classes(least);
        }
    }

    private static double Filled(ColumnInfo column, double rows) => Math.Max(1, rows * (1 - (column.NullFraction ?? 0)));
}

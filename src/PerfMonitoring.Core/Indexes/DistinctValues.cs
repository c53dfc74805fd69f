namespace PerfMonitoring.Indexes;

/// <summary>
/// Number of distinct values of a column, corrected where ANALYZE counts too few. ANALYZE's estimator (Duj1 of Haas, Stokes, JASA
/// 1998, in analyze.c) treats all values alike. Where common values take a large part of the sample, the remaining sample tells
/// little about the other values.
/// </summary>
/// <remarks>
/// The estimate sets the common values apart (uj2a, in the same paper). The number of the other values is the one for which
/// ANALYZE would count what it did. A value that occurs once in the sample may be unique in the table, or stand for as many
/// others as the table has rows for one row of the sample (Charikar, Chaudhuri, Motwani, Narasayya, PODS 2000). The result is the
/// middle of both.
/// </remarks>
internal static class DistinctValues
{
    private const double LargePart = 0.2;
    private const int Steps = 50;

    /// <summary>Distinct values among that many rows; null where unknown.</summary>
    public static double? Of(ColumnInfo column, double rows)
    {
        var counted = column.CountDistinct(rows);
        var filled = rows * (1 - (column.NullFraction ?? 0));
        var common = column.CommonFraction * rows / filled;
        var share = column.SampledRows / rows;
        if (counted is null || column.CommonCount is not { } apart || !(common is >= LargePart and < 1 && share < 1))
        {
            return counted;
        }

        var rest = filled * (1 - common.Value);
        var (least, most) = (1.0, Math.Max(1, rest));
        for (var step = 0; step < Steps; step++)
        {
            var middle = Math.Sqrt(least * most);
            (least, most) = Counted(middle) < counted ? (middle, most) : (least, middle);
        }

        return Math.Clamp(
            apart + least + (Singles(least) * ((1 / share.Value) - 1) / 2), counted.Value, Math.Max(counted.Value, apart + rest));

        // For a number of equally frequent values: the values that occur once in the sample, and the count of ANALYZE.
        double Singles(double values) => rest * share.Value * Math.Pow(1 - share.Value, (rest / values) - 1);

        double Counted(double values)
        {
            var sampled = filled * share.Value;
            var met = apart + (values * (1 - Math.Pow(1 - share.Value, rest / values)));
            return sampled * met / (sampled - (Singles(values) * (1 - share.Value)));
        }
    }
}

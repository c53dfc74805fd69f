namespace PerfMonitoring.Indexes;

/// <summary>
/// How many different values a column has, where ANALYZE counts too few: where common values take a large part of its sample,
/// what they leave says little of the rest, and its estimator (Duj1 of Haas, Stokes, JASA 1998, in analyze.c) takes all for
/// alike.
/// </summary>
/// <remarks>
/// The common values are set apart (uj2a, there), and the values of the rest are the number for which ANALYZE would have counted
/// what it did. A value that was met once in the sample may be alone in the table or stand for as many others as there are rows
/// to one of the sample (Charikar, Chaudhuri, Motwani, Narasayya, PODS 2000): the middle of both is taken.
/// </remarks>
public static class DistinctValues
{
    private const double LargePart = 0.2;
    private const int Steps = 50;

    /// <summary>Different values among so many rows; null where unknown.</summary>
    public static double? Of(ColumnInfo column, double rows)
    {
        ArgumentNullException.ThrowIfNull(column);
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

        // Of so many values, each as often as the others: those that are met once in the sample, and what ANALYZE would count.
        double Singles(double values) => rest * share.Value * Math.Pow(1 - share.Value, (rest / values) - 1);

        double Counted(double values)
        {
            var sampled = filled * share.Value;
            var met = apart + (values * (1 - Math.Pow(1 - share.Value, rest / values)));
            return sampled * met / (sampled - (Singles(values) * (1 - share.Value)));
        }
    }
}

namespace PerfMonitoring.Indexes;

/// <summary>
/// How often the keys of an index occur: classes of possible keys, each with the share of the rows that has one of its keys. The
/// rows of a key are Poisson distributed, so of rare keys not all occur. Shares are among the rows without nulls.
/// </summary>
/// <remarks>
/// Common values of pg_stats are classes of their own; the other values of a column are equally frequent. Columns are
/// independent: the share of a combination is the product of the shares. Where some values are frequent, far fewer combinations
/// occur than there would be of equally frequent values.
/// </remarks>
internal sealed class KeyFrequencies
{
    // Classes within half a power of two count as one: the error of the number of keys stays below 1 %.
    private const double StepsPerDoubling = 2;
    private const int MostSteps = 60;
    private const int MostClasses = 24;
    private const double LeastMean = 1e-6;

    // The ranks of a class grow by this share of the rank.
    private const double ClassWidth = 0.2;

    // Rows per value below which each row has its own value.
    private const double LeastRows = 1e-3;

    /// <summary>The largest exponent of <see cref="Continue"/> that is of use.</summary>
    public const double LargestExponent = 6;

    private KeyFrequencies(List<(double Keys, double Share)> classes) => Classes = classes;

    /// <summary>The number of possible keys of each class, and the share of one of them in the rows.</summary>
    public IReadOnlyList<(double Keys, double Share)> Classes { get; }

    /// <summary>A column with that many equally frequent values, all of which occur.</summary>
    public static KeyFrequencies OfEqual(double values) => new([(Math.Max(1, values), 1 / Math.Max(1, values))]);

    /// <summary>The values of a column.</summary>
    /// <param name="common">The shares of the common values among the rows with a value.</param>
    /// <param name="rows">Rows with a value.</param>
    /// <param name="distinct">The number of values that occur among these rows.</param>
    public static KeyFrequencies Of(IReadOnlyList<double> common, double rows, double distinct)
    {
        var classes = common.Take((int)Math.Max(0, distinct)).Where(s => s > 0).Select(s => (1.0, s)).ToList();
        var rest = 1 - classes.Sum(c => c.Item2);
        if (rest > 1e-9 && rows > 0)
        {
            var left = Math.Clamp(distinct - classes.Count, 1, Math.Max(1, rest * rows));
            // The values that occur are those of more possible ones: a Poisson distribution without its zeros.
            var mean = PoissonMean(rest * rows / left);
            classes.Add((rest * rows / mean, mean / rows));
        }

        return new(Bin(classes));
    }

    /// <summary>Common values, each with its share, and classes of others; shares are made to add up to 1.</summary>
    public static KeyFrequencies Of(IReadOnlyList<double> common, IReadOnlyList<(double Keys, double Share)> others)
    {
        var all = common.Sum() + others.Sum(c => c.Keys * c.Share);
        return new(Bin([.. common.Select(s => (1.0, s / all)), .. others.Select(c => (c.Keys, c.Share / all))]));
    }

    /// <summary>
    /// The values after some common ones, by a law of Zipf and Mandelbrot: the value of rank r after k common ones has the rows
    /// of the last common one times (1 + r/k)^-exponent, until no row is left.
    /// </summary>
    /// <param name="common">The number of common values.</param>
    /// <param name="last">Rows of the last common value.</param>
    /// <param name="rest">Rows of all values after it.</param>
    /// <param name="exponent">The exponent, 0 to <see cref="LargestExponent"/>.</param>
    public static List<(double Keys, double Mean)> Continue(int common, double last, double rest, double exponent)
    {
        var classes = new List<(double Keys, double Mean)>();
        for (var (rank, left) = (0.0, rest); left > 1e-6;)
        {
            var keys = Math.Max(1, rank * ClassWidth);
            var mean = last * Math.Pow(1 + ((rank + (keys / 2)) / common), -exponent);
            keys = mean < LeastRows ? left / mean : Math.Min(keys, left / mean);
            classes.Add((keys, mean));
            left -= keys * mean;
            rank += keys;
        }

        return classes;
    }

    /// <summary>The combinations of these keys with those of an independent column.</summary>
    public KeyFrequencies And(KeyFrequencies other) =>
        new(Bin([.. from one in Classes from two in other.Classes select (one.Keys * two.Keys, one.Share * two.Share)]));

    /// <summary>The keys of which that many occur among that many rows: the possible keys are more or fewer.</summary>
    public KeyFrequencies With(double distinct, double rows)
    {
        var (least, most) = (1e-12, 1e12);
        for (var step = 0; step < 60; step++)
        {
            var middle = Math.Sqrt(least * most);
            (least, most) = Times(middle).Distinct(rows) < distinct ? (middle, most) : (least, middle);
        }

        return Times(least);
    }

    /// <summary>So many times as many possible keys, but of a class with keys at least one.</summary>
    public KeyFrequencies Times(double factor) => new([
        .. Classes.Select(c => (Keys: Math.Max(Math.Min(1, c.Keys), c.Keys * factor), c.Share, Old: c.Keys))
        .Select(c => (c.Keys, c.Share * c.Old / c.Keys))]);

    /// <summary>The number of keys that occur among that many rows.</summary>
    public double Distinct(double rows) => Classes.Sum(c => c.Keys * Occurrence(rows * c.Share));

    /// <summary>The probability that a key with that mean number of rows occurs: 1 - exp(-mean).</summary>
    public static double Occurrence(double mean) => mean < 1e-5 ? mean - (mean * mean / 2) : 1 - Math.Exp(-mean);

    // The mean of a Poisson distribution whose mean without its zeros is given.
    private static double PoissonMean(double mean)
    {
        if (mean > 30)
        {
            return mean;
        }

        var (least, most) = (LeastMean, mean);
        for (var step = 0; step < 40 && most > least; step++)
        {
            var middle = (least + most) / 2;
            (least, most) = middle / Occurrence(middle) < mean ? (middle, most) : (least, middle);
        }

        return Math.Max(LeastMean, least);
    }

    private static List<(double Keys, double Share)> Bin(List<(double Keys, double Share)> classes) =>
        classes.Count <= MostClasses
            ? classes
            : [
                .. classes.GroupBy(c => (int)Math.Max(-MostSteps, Math.Floor(Math.Log2(c.Share) * StepsPerDoubling)))
                .Select(g => (g.Sum(c => c.Keys), g.Sum(c => c.Keys * c.Share)))
                .Select(g => (g.Item1, g.Item2 / g.Item1))];
}

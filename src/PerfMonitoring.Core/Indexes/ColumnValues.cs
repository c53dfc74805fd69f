using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// What ANALYZE knows of the values of a column, each as the type's output function writes it. The values are the user's data:
/// they go into EXPLAIN, never into a message.
/// </summary>
public sealed class ColumnValues
{
    // Above this ratio a common value is so much more common than the typical one that an index can help one and not the other.
    private const double SkewFactor = 5;
    private const double SkewMinimum = 0.01;

    /// <summary>The table.</summary>
    public required RelationName Table { get; init; }

    /// <summary>The column's name, unquoted.</summary>
    public required string Column { get; init; }

    /// <summary>
    /// Category of the type, as in pg_type.typcategory: N for numbers, D for dates and times, S for texts, A for arrays ...
    /// </summary>
    public string Category { get; init; } = "";

    /// <summary>Name of the type, as in pg_type.typname; a domain's base type.</summary>
    public string TypeName { get; init; } = "";

    /// <summary>Share of nulls, 0 to 1.</summary>
    public double NullFraction { get; init; }

    /// <summary>Number of distinct values; a negative number is minus their share of the rows.</summary>
    public double Distinct { get; init; }

    /// <summary>The most common values, in descending order of frequency.</summary>
    public IReadOnlyList<string> CommonValues { get; init; } = [];

    /// <summary>The shares of the common values in the rows, 0 to 1.</summary>
    public IReadOnlyList<double> CommonFrequencies { get; init; } = [];

    /// <summary>Histogram bounds: values that divide the other rows into parts of equal size, in order.</summary>
    public IReadOnlyList<string> Bounds { get; init; } = [];

    /// <summary>The most common elements of an array or a text search vector, in descending order of frequency.</summary>
    public IReadOnlyList<string> CommonElements { get; init; } = [];

    /// <summary>The shares of these elements in the rows that are not null, each 0 to 1.</summary>
    public IReadOnlyList<double> CommonElementFrequencies { get; init; } = [];

    /// <summary>Mean number of different elements in an array; null where unknown, or for another type.</summary>
    public double? ElementCount { get; init; }

    /// <summary>Share of the arrays that have no element, 0 to 1.</summary>
    public double EmptyShare { get; init; }

    /// <summary>Whether ANALYZE has values of the column.</summary>
    public bool IsKnown => CommonValues.Count + Bounds.Count > 0;

    /// <summary>Share of the rows with the most common value where it is far more common than a typical one, else null.</summary>
    public double? HeavyShare =>
        CommonFrequencies is [>= SkewMinimum and var heavy, ..] && heavy >= SkewFactor * TypicalFrequency ? heavy : null;

    /// <summary>Whether the values are numbers or times, which can be computed with.</summary>
    public bool IsMeasurable =>
        Category == "N" || (Category == "D" && TypeName is "date" or "timestamp" or "timestamptz" or "time");

    private double RestFrequency => Math.Max(0, 1 - NullFraction - CommonFrequencies.Sum());

    private double RestCount => Distinct < 0 ? double.PositiveInfinity : Math.Max(0, Distinct - CommonValues.Count);

    // The median over the distinct values is a common value where the common values are the larger half.
    private bool IsTypicalCommon => CommonValues.Count > 0 && (Bounds.Count == 0 || RestCount <= CommonValues.Count);

    private int TypicalRank =>
        (int)Math.Min(CommonValues.Count - 1, (CommonValues.Count + (double.IsInfinity(RestCount) ? 0 : RestCount)) / 2);

    private double TypicalFrequency => IsTypicalCommon ? CommonFrequencies[TypicalRank] : RestFrequency / Math.Max(1, RestCount);

    /// <summary>
    /// A value of median frequency over the distinct values. A higher place gives another value, for a list of values: first the
    /// less common ones, then the others. Null where there is none.
    /// </summary>
    public string? Typical(int place = 0)
    {
        var middle = Bounds.Skip(Bounds.Count / 2).Concat(Bounds.Take(Bounds.Count / 2));
        var values = IsTypicalCommon
            ? CommonValues.Skip(TypicalRank).Concat(middle).Concat(CommonValues.Take(TypicalRank).Reverse())
            : middle.Concat(CommonValues.Reverse());
        return values.Distinct(StringComparer.Ordinal).ElementAtOrDefault(place);
    }

    /// <summary>The most common value. A higher place gives the next ones. Null where there is none.</summary>
    public string? Heavy(int place = 0) => CommonValues.Concat(Bounds).Distinct(StringComparer.Ordinal).ElementAtOrDefault(place);

    /// <summary>
    /// The least common value where all values are known, else one that is not common. A higher place gives another value. Null
    /// where there is none.
    /// </summary>
    public string? Rare(int place = 0) =>
        RestCount < 1 ? CommonValues.Reverse().ElementAtOrDefault(place) : Typical(place);

    /// <summary>The value below which the given share of the rows lies. Null where nothing is known.</summary>
    /// <param name="share">The share, 0 to 1.</param>
    /// <param name="mayBeLast">Whether the result may be the greatest value; if not, and there are few values, it is the one
    /// before.</param>
    /// <param name="mayBeFirst">Whether the result may be the least value; if not, and there are few values, it is the one
    /// after.</param>
    public string? Quantile(double share, bool mayBeLast = true, bool mayBeFirst = true)
    {
        var isMeasured = IsMeasurable && CommonValues.Concat(Bounds).All(v => Measure(v) is not null);
        // The collation decides the order of texts, and the histogram is already in order.
        var ordered = isMeasured || Bounds.Count == 0 ? CommonValues.Zip(CommonFrequencies).ToList() : [];
        ordered.AddRange(Bounds.Select(b => (b, RestFrequency / Bounds.Count)));
        ordered = isMeasured ? [.. ordered.OrderBy(v => Measure(v.First)!.Value)]
            : Bounds.Count == 0 ? [.. ordered.OrderBy(v => v.First, StringComparer.Ordinal)]
            : ordered;
        if (ordered.Count == 0)
        {
            return null;
        }

        var rest = share * ordered.Sum(v => v.Second);
        var i = 0;
        while (i < ordered.Count - 1 && (rest -= ordered[i].Second) > 1e-9)
        {
            i++;
        }

        while (!mayBeLast && i > 0 && ordered[i].First == ordered[^1].First)
        {
            i--;
        }

        while (!mayBeFirst && i < ordered.Count - 1 && ordered[i].First == ordered[0].First)
        {
            i++;
        }

        return ordered[i].First;
    }

    /// <summary>
    /// The shortest prefix of a typical value, of at least three characters, that not too many of the known values share. Null
    /// where the values are not texts.
    /// </summary>
    public string? Beginning()
    {
        if (Category != "S" || Typical() is not { Length: > 0 } value)
        {
            return null;
        }

        var known = CommonValues.Concat(Bounds).ToList();
        var length = Math.Min(3, value.Length);
        while (length < value.Length
            && known.Count(v => v.StartsWith(value[..length], StringComparison.Ordinal)) > Math.Max(1, known.Count / 20))
        {
            length++;
        }

        return char.IsHighSurrogate(value[length - 1]) ? value : value[..length];
    }

    /// <summary>
    /// A value as a number; a time in seconds since 1970. Null where that is impossible (infinity, a date BC, another DateStyle).
    /// </summary>
    public double? Measure(string value)
    {
        if (Category == "N")
        {
            return double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                && double.IsFinite(number) ? number : null;
        }

        if (TypeName == "time")
        {
            return TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time) ? time.TotalSeconds : null;
        }

        return value.Length >= 10 && value[4] == '-' && DateTimeOffset.TryParse(
            value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var moment)
            ? (moment - DateTimeOffset.UnixEpoch).TotalSeconds
            : null;
    }

    /// <summary>The name of the column; never a value.</summary>
    public override string ToString() => $"{Table}.{Identifier.Quote(Column)}";
}

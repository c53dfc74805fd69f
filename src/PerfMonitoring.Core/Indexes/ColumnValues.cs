using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// What ANALYZE knows of the values of a column, each as the type's output function writes it. They are the user's data: they go
/// into EXPLAIN, and into no message.
/// </summary>
public sealed class ColumnValues
{
    // From here on a common value is so much more common than the typical one that an index can be right for one and wrong for
    // the other.
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

    /// <summary>Number of distinct values; when negative, minus their share of the rows.</summary>
    public double Distinct { get; init; }

    /// <summary>The most common values, the most common first.</summary>
    public IReadOnlyList<string> CommonValues { get; init; } = [];

    /// <summary>Their shares of the rows, 0 to 1.</summary>
    public IReadOnlyList<double> CommonFrequencies { get; init; } = [];

    /// <summary>Values that divide the other ones into parts of equal numbers of rows, in order.</summary>
    public IReadOnlyList<string> Bounds { get; init; } = [];

    /// <summary>The most common elements of the values of an array or a text search vector, the most common first.</summary>
    public IReadOnlyList<string> CommonElements { get; init; } = [];

    /// <summary>Whether anything is known.</summary>
    public bool IsKnown => CommonValues.Count + Bounds.Count > 0;

    /// <summary>Share of the rows with the most common value where it is far more common than a typical one, else null.</summary>
    public double? HeavyShare =>
        CommonFrequencies is [>= SkewMinimum and var heavy, ..] && heavy >= SkewFactor * TypicalFrequency ? heavy : null;

    /// <summary>Whether its values are numbers or times, so that they can be reckoned with.</summary>
    public bool IsMeasurable =>
        Category == "N" || (Category == "D" && TypeName is "date" or "timestamp" or "timestamptz" or "time");

    private double RestFrequency => Math.Max(0, 1 - NullFraction - CommonFrequencies.Sum());

    private double RestCount => Distinct < 0 ? double.PositiveInfinity : Math.Max(0, Distinct - CommonValues.Count);

    // The median over the distinct values is one of the common ones where these are the larger half.
    private bool IsTypicalCommon => CommonValues.Count > 0 && (Bounds.Count == 0 || RestCount <= CommonValues.Count);

    private int TypicalRank =>
        (int)Math.Min(CommonValues.Count - 1, (CommonValues.Count + (double.IsInfinity(RestCount) ? 0 : RestCount)) / 2);

    private double TypicalFrequency => IsTypicalCommon ? CommonFrequencies[TypicalRank] : RestFrequency / Math.Max(1, RestCount);

    /// <summary>
    /// A value of median frequency over the distinct values; by a higher place another one: those less common first, then the
    /// others, for a list of values. Null where there is none.
    /// </summary>
    public string? Typical(int place = 0)
    {
        var middle = Bounds.Skip(Bounds.Count / 2).Concat(Bounds.Take(Bounds.Count / 2));
        var values = IsTypicalCommon
            ? CommonValues.Skip(TypicalRank).Concat(middle).Concat(CommonValues.Take(TypicalRank).Reverse())
            : middle.Concat(CommonValues.Reverse());
        return values.Distinct(StringComparer.Ordinal).ElementAtOrDefault(place);
    }

    /// <summary>The most common value; by a higher place the next ones. Null where there is none.</summary>
    public string? Heavy(int place = 0) => CommonValues.Concat(Bounds).Distinct(StringComparer.Ordinal).ElementAtOrDefault(place);

    /// <summary>The value that so large a share of the rows lies below, 0 to 1. Null where nothing is known.</summary>
    /// <param name="share">The share.</param>
    /// <param name="mayBeLast">Whether the greatest value may be the answer; else, of few values, the one before it.</param>
    /// <param name="mayBeFirst">Whether the least value may be the answer; else, of few values, the one after it.</param>
    public string? Quantile(double share, bool mayBeLast = true, bool mayBeFirst = true)
    {
        var isMeasured = IsMeasurable && CommonValues.Concat(Bounds).All(v => Measure(v) is not null);
        // How texts are ordered is the collation's affair: the histogram is in order already.
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
    /// The shortest beginning of a typical value, of three characters or more, that not too many of the known values share. Null
    /// for what is no text.
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
    /// A value as a number: a time in seconds since 1970. Null where it is none (infinity, before Christ, another DateStyle).
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

    /// <summary>The column's name; never a value.</summary>
    public override string ToString() => $"{Table}.{Identifier.Quote(Column)}";
}

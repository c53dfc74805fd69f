namespace PerfMonitoring.Common;

/// <summary>
/// Figures of pipeline objects without digits that nobody measured: six significant digits, and at least three decimals.
/// </summary>
public static class Figure
{
    private const int Digits = 6;
    private const int Decimals = 3;

    // Math.Round takes no more.
    private const int MostDecimals = 15;

    /// <summary>A time in milliseconds, a share of 1, or a cost.</summary>
    public static double Round(double value) =>
        double.IsFinite(value) ? Math.Round(value, DecimalsOf(Math.Abs(value))) : value;

    /// <summary>A time in milliseconds, a share of 1, or a cost; null where unknown.</summary>
    public static double? Round(double? value) => value is { } known ? Round(known) : null;

    /// <summary>A measured value; null where unknown.</summary>
    public static decimal? Round(decimal? value) =>
        value is { } known ? decimal.Round(known, DecimalsOf((double)Math.Abs(known))) / 1.000000000000000000000000000m : null;

    private static int DecimalsOf(double size) => size == 0
        ? 0 : Math.Clamp(Digits - 1 - (int)Math.Floor(Math.Log10(size)), Decimals, MostDecimals);
}

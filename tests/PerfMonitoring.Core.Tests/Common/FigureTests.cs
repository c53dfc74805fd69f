namespace PerfMonitoring.Common;

public sealed class FigureTests
{
    [Theory]
    [InlineData(0.98765432109876543, 0.987654)]
    [InlineData(0.0021449999999, 0.002145)]
    [InlineData(12345678.123456, 12345678.123)]
    [InlineData(0, 0)]
    [InlineData(-0.123456789, -0.123457)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(1e-300, 0)]
    [InlineData(double.MaxValue, double.MaxValue)]
    public void A_figure_has_the_digits_that_were_measured(double value, double rounded)
    {
        Assert.Equal(rounded, Figure.Round(value));
        Assert.Equal("0.95", Figure.Round(0.9500000000000000000000000001m)!.Value.ToString(null, null).Replace(',', '.'));
    }
}

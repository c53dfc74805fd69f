namespace PerfMonitoring.Changes;

public sealed class IndexChangeProgressTests
{
    [Theory]
    [InlineData(10, 50.0, 10.0)]
    [InlineData(10, 100.0, 0.0)]
    [InlineData(100, 1.0, 9900.0)]
    [InlineData(10, 0.5, null)]
    [InlineData(1, 50.0, null)]
    [InlineData(10, null, null)]
    public void What_remains_is_told_once_something_is_known(int elapsed, double? percent, double? expected) =>
        Assert.Equal(expected, IndexChangeProgress.RemainingOf(TimeSpan.FromSeconds(elapsed), percent)?.TotalSeconds);
}

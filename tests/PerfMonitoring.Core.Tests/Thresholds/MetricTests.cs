using PerfMonitoring.Common;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Thresholds;

public sealed class MetricTests
{
    [Theory]
    [InlineData(MetricType.CacheHitRatio, 0.95, 0.90, ThresholdUnit.Ratio, 0.05, 0.10)]
    [InlineData(MetricType.CacheHitRatio, 95, 90, ThresholdUnit.Percentage, 5, 10)]
    [InlineData(MetricType.IndexScanRatio, 0.5, 0, ThresholdUnit.Ratio, 0.5, 1)]
    [InlineData(MetricType.IndexScanRatio, 0.9, 0.9, ThresholdUnit.Ratio, 0.1, 0.1)]
    [InlineData(MetricType.QueryTime, 100, 1000, ThresholdUnit.Milliseconds, 100, 1000)]
    [InlineData(MetricType.TableSize, 1073741824, 10737418240, ThresholdUnit.Bytes, 1073741824, 10737418240)]
    [InlineData(MetricType.ConnectionCount, 70, 90, ThresholdUnit.Percentage, 70, 90)]
    [InlineData(MetricType.DeadlockCount, 1, 1, ThresholdUnit.Count, 1, 1)]
    public void Limits_are_stored_as_the_store_demands_and_read_as_they_were_written(
        MetricType type, decimal warning, decimal critical, ThresholdUnit unit, decimal storedWarning, decimal storedCritical)
    {
        var metric = Metric.Of(type);

        metric.Check(warning, critical, unit, null);

        Assert.Equal((storedWarning, storedCritical), (metric.ToStored(warning, unit), metric.ToStored(critical, unit)));
        Assert.Equal((warning, critical), (metric.ToNatural(storedWarning, unit), metric.ToNatural(storedCritical, unit)));
        Assert.True(storedWarning > 0 && storedCritical >= storedWarning);
    }

    [Theory]
    [InlineData(
        MetricType.CacheHitRatio, 0.90, 0.95, ThresholdUnit.Ratio, null, "InvalidThreshold",
        "-Warning 0.9 is below -Critical 0.95")]
    [InlineData(MetricType.CacheHitRatio, 1, 0.95, ThresholdUnit.Ratio, null, "InvalidThreshold", "-Warning 1 leaves no room")]
    [InlineData(
        MetricType.CacheHitRatio, 100, 90, ThresholdUnit.Percentage, null, "InvalidThreshold", "-Warning 100 leaves no room")]
    [InlineData(MetricType.CacheHitRatio, 95, 90, ThresholdUnit.Ratio, null, "InvalidThreshold", "-Warning 95 is not a Ratio")]
    [InlineData(
        MetricType.CacheHitRatio, 0.5, -0.1, ThresholdUnit.Ratio, null, "InvalidThreshold", "-Critical -0.1 is not a Ratio")]
    [InlineData(
        MetricType.QueryTime, 1000, 100, ThresholdUnit.Milliseconds, null, "InvalidThreshold",
        "-Warning 1000 is above -Critical 100")]
    [InlineData(MetricType.QueryTime, 0, 100, ThresholdUnit.Milliseconds, null, "InvalidThreshold", "-Warning 0 must be above 0")]
    [InlineData(
        MetricType.ConnectionCount, 80, 101, ThresholdUnit.Percentage, null, "InvalidThreshold",
        "-Critical 101 is not a Percentage")]
    [InlineData(MetricType.QueryTime, 1, 2, ThresholdUnit.Bytes, null, "UnitNotAllowed", "-Unit Bytes")]
    [InlineData(MetricType.DeadlockCount, 1, 2, ThresholdUnit.Ratio, null, "UnitNotAllowed", "-Unit Ratio")]
    [InlineData(MetricType.QueryTime, 1, 2, ThresholdUnit.Milliseconds, "orders", "TableNotAllowed", "-TableName")]
    [InlineData(MetricType.ConnectionCount, 1, 2, ThresholdUnit.Count, "orders", "TableNotAllowed", "-TableName")]
    [InlineData(MetricType.DeadlockCount, 1, 2, ThresholdUnit.Count, "orders", "TableNotAllowed", "-TableName")]
    [InlineData(MetricType.TableSize, 1, 2, ThresholdUnit.Bytes, "x\"; drop table t; --", "InvalidName", "x\"; drop table t; --")]
    public void What_cannot_be_meant_is_refused_by_the_name_of_the_argument(
        MetricType type, decimal warning, decimal critical, ThresholdUnit unit, string? table, string errorId, string message)
    {
        var error = Assert.Throws<PerfMonitoringException>(() => Metric.Of(type).Check(warning, critical, unit, table));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MetricType.QueryTime, 99, ThresholdState.Ok)]
    [InlineData(MetricType.QueryTime, 100, ThresholdState.Warning)]
    [InlineData(MetricType.QueryTime, 999, ThresholdState.Warning)]
    [InlineData(MetricType.QueryTime, 1000, ThresholdState.Critical)]
    public void Higher_is_worse(MetricType type, decimal value, ThresholdState expected) =>
        Assert.Equal(expected, Metric.Of(type).Judge(value, 100, 1000));

    [Theory]
    [InlineData(MetricType.CacheHitRatio, 0.96, ThresholdState.Ok)]
    [InlineData(MetricType.CacheHitRatio, 0.95, ThresholdState.Warning)]
    [InlineData(MetricType.IndexScanRatio, 0.91, ThresholdState.Warning)]
    [InlineData(MetricType.IndexScanRatio, 0.90, ThresholdState.Critical)]
    [InlineData(MetricType.CacheHitRatio, 0, ThresholdState.Critical)]
    public void Lower_is_worse(MetricType type, decimal value, ThresholdState expected) =>
        Assert.Equal(expected, Metric.Of(type).Judge(value, 0.95m, 0.90m));

    [Fact]
    public void Every_metric_has_a_meaning() => Assert.All(Enum.GetValues<MetricType>(), t => Assert.Equal(t, Metric.Of(t).Type));
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

public sealed class MemorySettingTests
{
    [Theory]
    [InlineData("1MB")]
    [InlineData("1024kB")]
    [InlineData("1024")]
    [InlineData("512 MB")]
    [InlineData("2GB")]
    [InlineData("1TB")]
    [InlineData("2047GB")]
    public void What_the_server_takes_is_taken(string value) => MemorySetting.Check("MaintenanceWorkMem", value);

    [Theory]
    [InlineData("0")]
    [InlineData("0MB")]
    [InlineData("1023kB")]
    [InlineData("2TB")]
    [InlineData("999999TB")]
    [InlineData("99999999999999999999999999999999999999GB")]
    [InlineData("-1")]
    [InlineData("abc")]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("1.5GB")]
    [InlineData("512mb")]
    [InlineData("512MB\n")]
    [InlineData("512MB; select 1")]
    [InlineData("\u0661\u0662MB")]
    public void What_it_would_refuse_is_refused_with_the_parameter_and_the_range(string value)
    {
        var e = Assert.Throws<PerfMonitoringException>(() => MemorySetting.Check("MaintenanceWorkMem", value));

        Assert.Equal(("InvalidMaintenanceWorkMem", FailureKind.InvalidArgument), (e.ErrorId, e.Kind));
        Assert.StartsWith("-MaintenanceWorkMem is", e.Message, StringComparison.Ordinal);
        Assert.Contains("from 1MB to 2047GB", e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Remedy);
    }
}

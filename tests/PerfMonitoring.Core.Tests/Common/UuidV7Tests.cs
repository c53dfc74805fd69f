using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Common;

public class UuidV7Tests
{
    [Fact]
    public void They_are_of_version_7_of_their_moment_and_in_order()
    {
        var moment = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        var source = new UuidV7(moment);

        var made = Enumerable.Range(0, 40_000).Select(_ => source.Next().ToString()).ToList();

        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        Assert.Equal(made.Count, made.Distinct().Count());
        Assert.All(made, id => Assert.Matches("^019ca945-0a00-7[0-9a-f]{3}-[89ab]", id));
        Assert.Equal(
            moment.ToUnixTimeMilliseconds(), Convert.ToInt64(made[0].Replace("-", "", StringComparison.Ordinal)[..12], 16));
    }
}

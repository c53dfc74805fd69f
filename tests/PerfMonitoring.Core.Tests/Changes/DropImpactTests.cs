using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Changes;

public sealed class DropImpactTests
{
    // Cost without the index, in hundredths of the present cost, for each query; ? if unknown.
    [Theory]
    [InlineData("", 0, "none of 20 known queries uses it")]
    [InlineData("", 3, "none of 20 known queries uses it (3 more cannot be planned)")]
    [InlineData("100", 0, "1 of 20 known queries use it, none gets slower")]
    [InlineData("100.9 99", 0, "2 of 20 known queries use it, none gets slower")]
    [InlineData("100 250 440", 1, "2 of 20 known queries get slower, by 340 % at most (1 more cannot be planned)")]
    [InlineData("? ?", 0, "2 of 20 known queries use it, how much slower they get is unknown without HypoPG 1.4")]
    public void It_is_told_in_a_sentence(string without, long unplanned, string expected)
    {
        var impact = new DropImpact
        {
            KnownQueries = 20,
            UnplannedQueries = unplanned,
            Queries =
            [
                .. without.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => new QueryDropImpact(
                    "hash", "select 1", 5, 100,
                    w == "?" ? null : double.Parse(w, System.Globalization.CultureInfo.InvariantCulture))),
            ],
        };

        Assert.Equal(expected, impact.ToString());
    }

    [Fact]
    public void What_is_not_known_is_no_answer() =>
        Assert.Equal(
            "which queries get slower is unknown: There is no log.", new DropImpact { Unknown = "There is no log." }.ToString());

    [Fact]
    public void A_query_is_told_with_its_costs()
    {
        Assert.Equal("+150 % (cost 4 -> 10, 7 calls): select 1", new QueryDropImpact("hash", "select 1", 7, 4, 10).ToString());
        Assert.Equal("cost 4 -> unknown, 7 calls: select 1", new QueryDropImpact("hash", "select 1", 7, 4, null).ToString());
    }
}

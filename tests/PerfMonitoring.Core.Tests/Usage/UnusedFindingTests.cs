using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Usage;

/// <summary>Whether an index was not scanned in 35 days, by the counters and by their stored values.</summary>
public sealed class UnusedFindingTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 30, 12, 0, 0, TimeSpan.Zero);

    // Counters as "age in days:scans[:days since the last scan]", now and in the stored rows as "days ago=counter". Expected:
    // "used", or for how many days it was unused, without the uncovered ones; with ! if that is too short for a drop.
    [Theory]
    // Counters alone.
    [InlineData("40:0", "", "40")]
    [InlineData("10:0", "", "10")]
    [InlineData("3:0", "", "3!")]
    [InlineData("90:5", "", "used")]
    [InlineData("90:5:36", "", "36")]
    [InlineData("90:5:34", "", "used")]
    // Constant for the whole observation window, or not.
    [InlineData("90:5", "1=90:5 20=90:5 36=90:5", "36")]
    [InlineData("90:5", "1=90:5 20=90:5 34=90:5", "used")]
    [InlineData("90:5", "1=90:5 36=90:5 37=90:4", "36")]
    [InlineData("90:5", "1=90:5 30=90:4 36=90:4", "used")]
    [InlineData("90:5", "1=90:4", "used")]
    // Days without a row are covered, because counters only grow.
    [InlineData("90:5", "50=90:5", "50")]
    // The counters started again: what was before is covered by what was stored.
    [InlineData("3:0", "4=60:0", "59 1 reset")]
    [InlineData("3:0", "13=60:0", "50 1 reset")]
    [InlineData("3:0", "4=60:5 40=60:5", "39 1 reset")]
    [InlineData("3:0", "4=60:5 20=60:5", "used")]
    [InlineData("3:0", "4=60:5 20=60:4", "used")]
    [InlineData("3:1", "4=60:0", "used")]
    [InlineData("10:1", "2=10:1 11=60:0", "used")]
    [InlineData("3:0", "4=20:0 21=60:0", "58 2 resets")]
    [InlineData("3:0", "4=60:5:40", "39 1 reset")]
    [InlineData("3:0", "8=8.5:0", "3!1 reset")]
    // Another server's counters, older than the stored values: nothing connects them.
    [InlineData("80:0", "4=60:5", "80")]
    [InlineData("3:0", "4=20:?", "3!")]
    public void What_was_stored_reaches_back_where_counters_do_not(string now, string stored, string expected)
    {
        var index = Index(Count(now)) with
        {
            History =
            [
                .. stored.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split('='))
                    .Select(r => new StoredScans(1, Ago(r[0]), [Count(r[1])])),
            ],
        };

        Assert.Equal(
            expected.Trim(), Told(UnusedFinding.Of(index, new StatisticsState { Now = Now }, DropVerdict.DefaultWindow)));
    }

    [Fact]
    public void Each_server_must_not_have_scanned_it()
    {
        var primary = new ScanCount("a:1", 0, Ago("60"), null);
        var standby = new ScanCount("b:1", 7, Ago("60"), null);
        var row = new StoredScans(1, Ago("40"), [primary, standby]);

        Assert.Null(Find(Index(primary, standby)));
        Assert.NotNull(Find(Index(primary, standby) with { History = [row] }));
        // The standby was not queried then, or another one was.
        Assert.Null(Find(Index(primary, standby) with { History = [row with { Counts = [primary] }] }));
        Assert.Null(
            Find(Index(primary, standby) with { History = [row with { Counts = [primary, standby with { Server = "c:1" }] }] }));
        Assert.Null(
            Find(Index(primary, standby) with { History = [row with { Counts = [primary, standby with { Scans = 6 }] }] }));
        // The primary is the first, whatever its name was then.
        Assert.NotNull(
            Find(Index(primary with { Scans = 5 }) with {
            History = [row with { Counts = [primary with { Server = "old", Scans = 5 }] }] }));
    }

    [Fact]
    public void What_is_not_covered_is_said()
    {
        Assert.Equal(
            "Only 10 days of the 35 days are covered; Update-IndexUsageStat, run daily, keeps what is needed for the rest.",
            Assert.Single(Find(Index(Count("10:0")))!.Notes));
        Assert.Equal(
            "Only 20 days of the 35 days are covered; Update-IndexUsageStat, run daily, keeps what is needed for the rest.",
            Assert.Single(Find(Index(Count("60:0")) with { ExistsSince = Ago("20") })!.Notes));
        Assert.Equal(
            "The counters started again once since then; 1.5 days before that are not covered.",
            Assert.Single(Find(Index(Count("3:0")) with { History = [new StoredScans(1, Ago("4.5"), [Count("60:0")])] })!.Notes));
        Assert.Empty(Find(Index(Count("40:0")))!.Notes);
    }

    [Fact]
    public void A_row_tells_that_the_index_was_there()
    {
        var stored = new StoredScans(1, Ago("8"), [Count("60:0")]);

        Assert.NotEmpty(Find(Index(Count("60:0")) with { ExistsSince = null })!.Blockers);
        Assert.Empty(Find(Index(Count("60:0")) with { ExistsSince = null, History = [stored] })!.Blockers);
    }

    private static UnusedFinding? Find(IndexUsage index) =>
        UnusedFinding.Of(index, new StatisticsState { Now = Now }, DropVerdict.DefaultWindow);

    private static string Told(UnusedFinding? finding)
    {
        if (finding is null)
        {
            return "used";
        }

        var days = System.Text.RegularExpressions.Regex.Match(finding.Reasons[0], @"\((\d+) days?\)").Groups[1].Value;
        var reset = finding.Notes.SingleOrDefault(n => n.StartsWith("The counters started again", StringComparison.Ordinal));
        if (reset is null)
        {
            return days + (finding.Blockers.Count > 0 ? "!" : "");
        }

        var uncovered = double.Parse(
            System.Text.RegularExpressions.Regex.Match(reset, @"([\d.]+) days before").Groups[1].Value,
            System.Globalization.CultureInfo.InvariantCulture);
        return $"{(int)(int.Parse(days, System.Globalization.CultureInfo.InvariantCulture) - uncovered)}"
            + (finding.Blockers.Count > 0 ? "!" : " ")
            + (reset.Contains("once", StringComparison.Ordinal) ? "1 reset" : "2 resets");
    }

    private static ScanCount Count(string text) => text.Split(':') is [var since, var scans, .. var last]
        ? new ScanCount(
            "", scans == "?" ? null : long.Parse(scans, System.Globalization.CultureInfo.InvariantCulture), Ago(since),
            last is [var at] ? Ago(at) : null)
        : throw new FormatException(text);

    private static DateTimeOffset Ago(string days) =>
        Now.AddDays(-double.Parse(days, System.Globalization.CultureInfo.InvariantCulture));

    private static IndexUsage Index(params ScanCount[] counts) => new()
    {
        Index = new TableIndex
        {
            Oid = 1,
            TableOid = 1,
            Definition = new IndexDefinition {
                Table = new RelationName("public", "t"), Name = "i", Keys = [IndexKey.OnColumn("a")] },
            ServerDefinition = "",
        },
        Scans = counts.Sum(c => c.Scans),
        LastScan = counts.Max(c => c.LastScan),
        Counts = counts,
        ExistsSince = Ago("100"),
    };
}

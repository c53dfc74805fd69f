using System.Management.Automation;

namespace PerfMonitoring.Shell.Tests;

public class ProgressTextTests
{
    [Fact]
    public void A_line_comes_with_each_phase_and_each_quarter()
    {
        var text = new ProgressText();
        (string Status, int Percent)[] records =
        [
            ("building: 0 of 90 blocks", 0), ("building: 20 of 90 blocks", 22), ("building: 24 of 90 blocks", 27),
            ("building: 40 of 90 blocks", 44), ("waiting for 1 lock", 44), ("waiting for 2 locks", 50), ("waiting for 1 lock", 69),
        ];

        var lines = records.Select(r => text.LineFor(1, new ProgressRecord(1, "Index", r.Status) { PercentComplete = r.Percent }));

        Assert.Equal(
            [
                "Index: building: 0 of 90 blocks 0 %", null, "Index: building: 24 of 90 blocks 27 %", null,
                "Index: waiting for 1 lock 44 %", "Index: waiting for 2 locks 50 %", "Index: waiting for 1 lock 69 %",
            ],
            lines);
    }

    [Fact]
    public void What_has_ended_begins_anew()
    {
        var text = new ProgressText();
        var record = new ProgressRecord(1, "Index", "building") { PercentComplete = 50 };
        Assert.NotNull(text.LineFor(1, record));
        Assert.Null(text.LineFor(1, record));

        Assert.Null(text.LineFor(1, new ProgressRecord(1, "Index", "done") { RecordType = ProgressRecordType.Completed }));

        Assert.Equal("Index: building 50 %", text.LineFor(1, record));
    }
}

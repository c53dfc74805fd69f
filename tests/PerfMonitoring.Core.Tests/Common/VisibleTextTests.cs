using System.Text;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Common;

public class VisibleTextTests
{
    [Theory]
    [InlineData("orders", "orders")]
    [InlineData("Grüße 注文 🐘 c:\\x1B", "Grüße 注文 🐘 c:\\x1B")]
    [InlineData("\u001B[2J", @"\x1B[2J")]
    [InlineData("\u001B]0;title\a", @"\x1B]0;title\x07")]
    [InlineData("\u009B2J", @"\x9B2J")]
    [InlineData("a\u007F\b", @"a\x7F\x08")]
    [InlineData("a\r\nb\tc\0", @"a\r\nb\tc\x00")]
    [InlineData("user\u202Etxt\u202C", @"user\u202Etxt\u202C")]
    [InlineData("a\u200Bb\u200D\uFEFF\u2066\u2069\u200E", @"a\u200Bb\u200D\uFEFF\u2066\u2069\u200E")]
    [InlineData("a\u2028b\u2029\u0085", @"a\u2028b\u2029\x85")]
    [InlineData("a\u3164b\uFE0F\u00AD", @"a\u3164b\uFE0F\xAD")]
    [InlineData("a\U000E0041b", @"a\U000E0041b")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void What_would_steer_a_terminal_is_written_out(string? text, string shown) =>
        Assert.Equal(shown, VisibleText.Line(text));

    // This cannot be data of a theory, because attributes hold UTF-8, which has no unpaired surrogates.
    [Fact]
    public void So_is_half_a_character() => Assert.Equal(@"a\uD83D b\uDC18", VisibleText.Line("a\uD83D b\uDC18"));

    [Theory]
    [InlineData("select 1\n  from t", "select 1\n  from t")]
    [InlineData("select 1\r\n\tfrom t", "select 1\n    from t")]
    [InlineData("a\rb\u001B[1A\vc", @"a\rb\x1B[1A\x0Bc")]
    public void A_text_of_several_lines_keeps_them(string text, string shown) => Assert.Equal(shown, VisibleText.Lines(text));

    [Fact]
    public void Every_character_of_these_kinds_is_written_out()
    {
        int[] hidden = [
            .. Enumerable.Range(0, 0x20), .. Enumerable.Range(0x7F, 0x21), 0x061C, .. Enumerable.Range(0x200B, 5),
            .. Enumerable.Range(0x2028, 7),
            .. Enumerable.Range(0x2060, 0x10), 0xFEFF, .. Enumerable.Range(0xFFF9, 3), .. Enumerable.Range(0xE0020, 0x60)];

        Assert.All(
            hidden, c =>
            Assert.Matches(@"^\\(x[0-9A-F]{2}|u[0-9A-F]{4}|U[0-9A-F]{8}|[nrt])$", VisibleText.Line(new Rune(c).ToString())));
    }

    [Fact]
    public void Cells_of_numbers_and_times_stay_what_they_are()
    {
        Assert.Equal(7L, VisibleText.Cell(7L));
        Assert.Equal(FailureKind.Busy, VisibleText.Cell(FailureKind.Busy));
        Assert.Equal(TimeSpan.FromSeconds(1), VisibleText.Cell(TimeSpan.FromSeconds(1)));
        Assert.Null(VisibleText.Cell(null));
        Assert.Equal(new object[] { @"a\x1B", 1 }, VisibleText.Cell(new object[] { "a\u001B", 1 }));
        Assert.Equal(
            @"db\x1B:5432/x",
            VisibleText.Cell(
                new ServerTarget {
                HostName = "db\u001B", Port = 5432, Database = "x", DatabaseOid = 1, ServerVersionNumber = 150000 }));
    }

    [Fact]
    public void A_list_that_holds_itself_is_shown_and_not_followed()
    {
        var ring = new List<object>();
        ring.Add(ring);

        Assert.Single((object?[])VisibleText.Cell(ring)!);
    }

    [Fact]
    public void Errors_speak_of_names_in_visible_text()
    {
        var error = new PerfMonitoringException("X", FailureKind.NotFound, "no table '\u001B[2Jx\n'", "drop \u202E");

        Assert.Equal(@"no table '\x1B[2Jx\n'", error.Message);
        Assert.Equal(@"drop \u202E", error.Remedy);
    }
}

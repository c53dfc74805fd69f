using System.Globalization;
using System.Xml.Linq;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>The views that are shipped, against the types that the cmdlets say they write.</summary>
public sealed class ViewTests
{
    // PowerShell leaves the last column of the console free.
    private const int Room = 119;
    private const int NarrowRoom = 79;

    private static readonly XDocument Views =
        XDocument.Load(Path.Combine(Path.GetDirectoryName(ModuleRunspace.ManifestPath)!, "PerfMonitoring.Format.ps1xml"));

    private static IEnumerable<(string Name, List<XElement> Columns)> Tables =>
        Views.Descendants("TableHeaders").Select(h => (h.Ancestors("View").Single().Element("Name")!.Value, h.Elements("TableColumnHeader").ToList()));

    [Fact]
    public void Tables_fit_120_columns()
    {
        var tables = Tables.Select(t => (t.Name, Width: t.Columns.Sum(c => (int?)c.Element("Width") ?? 1) + t.Columns.Count - 1)).ToList();

        Assert.NotEmpty(tables);
        Assert.Empty(tables.Where(t => t.Width > Room).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Name}: {t.Width}")));
    }

    // A narrow console shows the columns that it has room for, and what is left of the next one: how wide a column must still be there.
    [Theory]
    [InlineData("PerfMonitoringSession", "Version", 9)]
    [InlineData("SlowQuery", "Query", 25)]
    [InlineData("QueryPerformanceEntry", "Query", 25)]
    [InlineData("QueryPerformanceLogUpdate", "Total (ms)", 12)]
    [InlineData("IndexStrategy", "Gain %", 6)]
    [InlineData("IndexCandidate", "Index", 25)]
    [InlineData("IndexCreationResult", "State", 7)]
    [InlineData("ThresholdResult", "Value", 14)]
    public void What_matters_most_fits_80_columns(string view, string column, int width)
    {
        var columns = Tables.Single(t => t.Name == view).Columns.Select(c => (Label: c.Element("Label")!.Value, Width: (int?)c.Element("Width") ?? NarrowRoom)).ToList();
        var before = columns.TakeWhile(c => c.Label != column).Sum(c => c.Width + 1);

        Assert.InRange(width, 1, Math.Min(NarrowRoom - before, columns.Single(c => c.Label == column).Width));
    }

    [Fact]
    public void Every_type_that_a_cmdlet_writes_has_a_table()
    {
        using var session = new ModuleRunspace();
        var written = session.Invoke("Get-Command -Module PerfMonitoring | ForEach-Object { $_.OutputType } | ForEach-Object { $_.Name }").MustSucceed()
            .Output.Select(o => o.ToString()).Where(n => n.StartsWith("PerfMonitoring.", StringComparison.Ordinal)).Distinct().ToList();
        var shown = Views.Descendants("View").Where(v => v.Element("TableControl") is not null)
            .SelectMany(v => v.Descendants("TypeName")).Select(t => t.Value).ToHashSet();

        Assert.NotEmpty(written);
        Assert.Empty(written.Except(shown));
    }
}

using System.Globalization;
using System.Xml.Linq;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>The views that are shipped, against the types that the cmdlets say they write.</summary>
public sealed class ViewTests
{
    // PowerShell leaves the last column of the console free.
    private const int Room = 119;

    private static readonly XDocument Views =
        XDocument.Load(Path.Combine(Path.GetDirectoryName(ModuleRunspace.ManifestPath)!, "PerfMonitoring.Format.ps1xml"));

    [Fact]
    public void Tables_fit_120_columns()
    {
        var tables = Views.Descendants("TableHeaders")
            .Select(h => (Name: h.Ancestors("View").Single().Element("Name")!.Value, Columns: h.Elements("TableColumnHeader").ToList()))
            .Select(t => (t.Name, Width: t.Columns.Sum(c => (int?)c.Element("Width") ?? 1) + t.Columns.Count - 1))
            .ToList();

        Assert.NotEmpty(tables);
        Assert.Empty(tables.Where(t => t.Width > Room).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Name}: {t.Width}")));
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

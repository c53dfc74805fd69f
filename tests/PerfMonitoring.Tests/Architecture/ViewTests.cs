using System.Globalization;
using System.Xml.Linq;
using PerfMonitoring.Terminal;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Architecture;

/// <summary>Compares the shipped views with the declared output types of the cmdlets.</summary>
public sealed class ViewTests
{
    // PowerShell leaves the last column of the console free.
    private const int Room = 119;
    private const int NarrowRoom = 79;

    private static readonly XElement Views = new(
        "Views", Directory.EnumerateFiles(Path.GetDirectoryName(ModuleRunspace.ManifestPath)!, "*.Format.ps1xml")
            .SelectMany(file => XDocument.Load(file).Descendants("View")));

    private static IEnumerable<(string Name, List<XElement> Columns)> Tables =>
        Views.Descendants("TableHeaders")
            .Select(h => (h.Ancestors("View").Single().Element("Name")!.Value, h.Elements("TableColumnHeader").ToList()));

    [Fact]
    public void Tables_fit_120_columns()
    {
        var tables = Tables.Select(t => (t.Name, Width: t.Columns.Sum(c => (int?)c.Element("Width") ?? 1) + t.Columns.Count - 1))
            .ToList();

        Assert.NotEmpty(tables);
        Assert.Empty(
            tables.Where(t => t.Width > Room).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Name}: {t.Width}")));
    }

    // A narrow console shows the columns that fit, and a part of the next one. The number is the least width that this column
    // must have there.
    [Theory]
    [InlineData("PerfMonitoringSession", "Version", 9)]
    [InlineData("SlowQuery", "Query", 25)]
    [InlineData("QueryPerformanceEntry", "Query", 25)]
    [InlineData("QueryPerformanceLogUpdate", "Total (ms)", 12)]
    [InlineData("IndexStrategy", "Gain (%)", 8)]
    [InlineData("IndexCandidate", "Index", 25)]
    [InlineData("IndexUsageStat", "Size (MB)", 9)]
    [InlineData("IndexRemovalResult", "Duration (s)", 12)]
    [InlineData("IndexRepairResult", "Duration (s)", 12)]
    [InlineData("IndexVerification", "Change (%)", 10)]
    [InlineData("IndexVerification", "Reason", 26)]
    [InlineData("PerformanceThreshold", "Critical", 12)]
    [InlineData("IndexCreationResult", "State", 7)]
    [InlineData("ThresholdResult", "Value", 14)]
    public void What_matters_most_fits_80_columns(string view, string column, int width)
    {
        var columns = Tables.Single(t => t.Name == view).Columns.Select(
            c => (Label: c.Element("Label")!.Value, Width: (int?)c.Element("Width") ?? NarrowRoom)).ToList();
        var before = columns.TakeWhile(c => c.Label != column).Sum(c => c.Width + 1);

        Assert.InRange(width, 1, Math.Min(NarrowRoom - before, columns.Single(c => c.Label == column).Width));
    }

    [Fact]
    public void A_view_stands_in_the_room_of_its_type() => Assert.Empty(
        SourceFiles.In(Path.Combine("src", "PerfMonitoring"), "*.Format.ps1xml").SelectMany(file => XDocument.Load(file)
            .Descendants("TypeName").Select(t => (File: file, Room: t.Value.Split('.')[1]))
            .Where(t => !t.File.EndsWith(
                Path.Combine(t.Room, $"{t.Room}.Format.ps1xml"), StringComparison.Ordinal))));

    [Fact]
    public void A_heading_has_its_unit_in_parentheses() => Assert.DoesNotContain(
        Tables.SelectMany(t => t.Columns).Select(c => c.Element("Label")!.Value),
        label => label.EndsWith(" %", StringComparison.Ordinal) || label.EndsWith(" MB", StringComparison.Ordinal)
            || label.EndsWith(" ms", StringComparison.Ordinal) || label.EndsWith(" s", StringComparison.Ordinal));

    [Fact]
    public void Every_type_that_a_cmdlet_writes_has_a_table()
    {
        using var session = new ModuleRunspace();
        var written = session.Invoke(
            "Get-Command -Module PerfMonitoring | ForEach-Object { $_.OutputType } | ForEach-Object { $_.Name }").MustSucceed()
            .Output.Select(o => o.ToString()).Where(n => n.StartsWith("PerfMonitoring.", StringComparison.Ordinal)).Distinct()
                .ToList();
        var shown = Views.Descendants("View").Where(v => v.Element("TableControl") is not null)
            .SelectMany(v => v.Descendants("TypeName")).Select(t => t.Value).ToHashSet();

        Assert.NotEmpty(written);
        Assert.Empty(written.Except(shown));
    }

    // A column that names a property shows its raw value, so only numbers, times and words of the module may be shown this way.
    [Fact]
    public void A_column_that_shows_a_text_makes_it_visible()
    {
        using var session = new ModuleRunspace();
        var raw = new List<string>();
        foreach (var view in Views.Descendants("View"))
        {
            var type = TypeOf(session, view);
            raw.AddRange(
                view.Descendants("PropertyName").Select(p => p.Value).Where(p => !IsPlain(type.GetProperty(p)!.PropertyType))
                .Select(p => $"{type.Name}.{p}"));
        }

        Assert.Empty(raw);
    }

    // Covers lists and group headings too: each script block of each view runs on an object whose texts are all hostile.
    [Fact]
    public void No_cell_of_any_view_steers_a_terminal()
    {
        using var session = new ModuleRunspace();
        var escaped = 0;
        foreach (var view in Views.Descendants("View"))
        {
            var item = Hostile.Fill(TypeOf(session, view));
            foreach (var script in view.Descendants("ScriptBlock").Select(s => s.Value))
            {
                var shown = session.Invoke(
                    "$args[0] | ForEach-Object ([scriptblock]::Create($args[1])) | ForEach-Object { \"$_\" }", item, script)
                    .MustSucceed().Output;
                escaped += shown.Count(s => ((string)s.BaseObject).Contains(@"\x1B", StringComparison.Ordinal));
                Assert.All(shown, s => Hostile.MustBeGone((string)s.BaseObject));
            }
        }

        Assert.InRange(escaped, 100, int.MaxValue);
    }

    private static Type TypeOf(ModuleRunspace session, XElement view) => (Type)session.Invoke(
        "[PerfMonitoring.Statements.SlowQuery].Assembly.GetType($args[0]) ?? (Get-Module "
            + "PerfMonitoring).ImplementingAssembly.GetType($args[0])",
        view.Element("ViewSelectedBy")!.Element("TypeName")!.Value).Only().BaseObject;

    private static bool IsPlain(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsPrimitive || type.IsEnum || type == typeof(decimal) || type == typeof(DateTime)
            || type == typeof(DateTimeOffset) || type == typeof(DateOnly)
            || type == typeof(TimeSpan) || type == typeof(Guid) || type == typeof(Version);
    }
}

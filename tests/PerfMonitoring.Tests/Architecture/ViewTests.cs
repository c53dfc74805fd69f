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
        // Rows of several databases may lose the columns at the end.
        Assert.Empty(
            tables.Where(t => t.Width > Room && !t.Name.EndsWith("#Target", StringComparison.Ordinal))
                .Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Name}: {t.Width}")));
    }

    // A narrow console shows the columns that fit, and a part of the next one. The number is the least width that this column
    // must have there. A view with #Target is that of rows of several databases.
    [Theory]
    [InlineData("PerfMonitoringSession", "Store", 20)]
    [InlineData("SlowQuery", "Query", 35)]
    [InlineData("QueryPerformanceEntry", "Query", 35)]
    [InlineData("QueryPerformanceLogUpdate", "Total (ms)", 12)]
    [InlineData("IndexAction", "Outcome", 9)]
    [InlineData("IndexAction", "Started", 22)]
    [InlineData("IndexStrategy", "Stored", 6)]
    [InlineData("IndexCandidate", "Reason", 25)]
    [InlineData("IndexUsageStat", "Drop", 7)]
    [InlineData("IndexUsageStat", "Size (MB)", 9)]
    [InlineData("IndexUsageStat", "Reason", 24)]
    [InlineData("IndexCreationResult", "Size (MB)", 9)]
    [InlineData("IndexCreationResult", "Reason", 19)]
    [InlineData("IndexRemovalResult", "Size (MB)", 9)]
    [InlineData("IndexRemovalResult", "Reason", 19)]
    [InlineData("IndexRepairResult", "Error", 24)]
    [InlineData("IndexPreflight", "Reason", 50)]
    [InlineData("IndexVerification", "Change (%)", 10)]
    [InlineData("IndexVerification", "Reason", 26)]
    [InlineData("MaintenanceSchedule", "ClosesAt", 22)]
    [InlineData("PerformanceThreshold", "Critical", 12)]
    [InlineData("PrerequisiteResult", "Remedy", 26)]
    [InlineData("QueryVerification", "Missing", 14)]
    [InlineData("ThresholdResult", "Critical", 12)]
    [InlineData("IndexUsageStat#Target", "Size (MB)", 9)]
    [InlineData("IndexUsageStat#Target", "Reason", 10)]
    [InlineData("IndexCreationResult#Target", "Reason", 15)]
    [InlineData("IndexRemovalResult#Target", "Reason", 15)]
    [InlineData("IndexRepairResult#Target", "Error", 19)]
    [InlineData("IndexVerification#Target", "Reason", 15)]
    [InlineData("IndexCandidate#Target", "Reason", 14)]
    [InlineData("IndexStrategy#Target", "Size (MB)", 9)]
    [InlineData("IndexAction#Target", "Outcome", 9)]
    [InlineData("PrerequisiteResult#Target", "Value", 16)]
    [InlineData("PerformanceThreshold#Target", "Critical", 12)]
    [InlineData("ThresholdResult#Target", "Value", 12)]
    public void What_matters_most_fits_80_columns(string view, string column, int width)
    {
        var columns = Tables.Single(t => t.Name == view).Columns.Select(
            c => (Label: c.Element("Label")!.Value, Width: (int?)c.Element("Width") ?? NarrowRoom)).ToList();
        var before = columns.TakeWhile(c => c.Label != column).Sum(c => c.Width + 1);

        Assert.InRange(width, 1, Math.Min(NarrowRoom - before, columns.Single(c => c.Label == column).Width));
    }

    // Sort-Object Scans and Where-Object Drop -eq yes take the heading for a property and are silent where there is none.
    [Fact]
    public void Each_heading_is_a_property()
    {
        using var session = new ModuleRunspace();
        var wrong = new List<string>();
        foreach (var view in Views.Descendants("View"))
        {
            var type = TypeOf(session, view);
            var labels = view.Descendants("Label").Where(l => l.Parent!.Name != "GroupBy").Select(l => l.Value.Split(" (")[0])
                .Except(["Target"]).ToArray();
            wrong.AddRange(
                session.Invoke(
                    "$item, $names = $args; $names | Where-Object { $null -eq $item.psobject.Members[$_] }", Hostile.Fill(type),
                    labels).Output.Select(name => $"{type.Name}: {name}"));
        }

        Assert.Empty(wrong);
    }

    // A heading with another name than the property adds nothing to CSV, JSON and Select-Object *.
    [Fact]
    public void A_heading_adds_no_property_to_what_is_exported()
    {
        using var session = new ModuleRunspace();
        foreach (var type in Views.Descendants("View").Select(v => TypeOf(session, v)).Distinct())
        {
            var shown = session.Invoke("$args[0].psobject.Properties.Name", Hostile.Fill(type)).Output
                .Select(o => (string)o.BaseObject);

            Assert.Equal(type.GetProperties().Select(p => p.Name).Order(), shown.Order());
        }
    }

    // A property that is shown as it is has the form of the culture, and a time the zone of the server.
    [Fact]
    public void Each_time_of_a_view_is_shown_with_its_zone()
    {
        using var session = new ModuleRunspace();
        Assert.Empty(
            from view in Views.Descendants("View")
            let type = TypeOf(session, view)
            from name in view.Descendants("PropertyName").Select(p => p.Value)
            let kind = type.GetProperty(name)?.PropertyType
            where kind is not null && (Nullable.GetUnderlyingType(kind) ?? kind) is var plain
                && (plain == typeof(DateTimeOffset) || plain == typeof(DateTime) || plain == typeof(DateOnly))
            select $"{type.Name}.{name}");
        foreach (var view in Views.Descendants("View"))
        {
            var type = TypeOf(session, view);
            foreach (var time in type.GetProperties().Where(p => p.PropertyType == typeof(DateTimeOffset?)
                || p.PropertyType == typeof(DateTimeOffset)))
            {
                Assert.All(
                    view.Descendants("ScriptBlock").Select(s => s.Value)
                        .Where(s => s.EndsWith($"$_.{time.Name})", StringComparison.Ordinal)),
                    s => Assert.Contains("Cell]::Time(", s, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("2026-07-01T12:00:00Z", 22)]
    [InlineData("2026-07-01T12:00:00.9999+05:30", 22)]
    public void A_time_has_the_zone_of_the_session(string moment, int length)
    {
        var at = DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture);
        using var session = new ModuleRunspace();

        var shown = (string)session.Invoke("[PerfMonitoring.Common.Cell]::Time($args[0])", at).Only().BaseObject;

        Assert.InRange(shown.Length, length, length + 3);
        Assert.Equal(at.ToUnixTimeSeconds(), DateTimeOffset.Parse(shown, CultureInfo.InvariantCulture).ToUnixTimeSeconds());
        Assert.Matches(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d(:\d\d)?$", shown);
    }

    [Theory]
    [InlineData("Failed", "Formatting.Error")]
    [InlineData("Regressed", "Formatting.Error")]
    [InlineData("Insufficient", "Formatting.Warning")]
    [InlineData("Blocked", "Formatting.Warning")]
    [InlineData("Created", "Foreground.Green")]
    [InlineData("Neutral", null)]
    public void A_state_has_the_colour_of_the_user(string state, string? colour)
    {
        using var session = new ModuleRunspace();
        const string Cell = "[PerfMonitoring.Common.Cell]::State($args[0], $PSStyle)";

        session.Invoke("$PSStyle.OutputRendering = 'Host'; $PSStyle.Formatting.Error = \"`e[35m\"").MustSucceed();
        Assert.Equal(
            colour is null ? state : session.Invoke($"$PSStyle.{colour} + $args[0] + $PSStyle.Reset", state).Only().BaseObject,
            session.Invoke(Cell, state).Only().BaseObject);
        session.Invoke("$PSStyle.OutputRendering = 'PlainText'").MustSucceed();
        Assert.Equal(state, session.Invoke(Cell, state).Only().BaseObject);
        Assert.Equal(state, session.Invoke("[PerfMonitoring.Common.Cell]::State($args[0], $null)", state).Only().BaseObject);
    }

    // Each word of each state that a view colours, so that a new one is thought of.
    [Fact]
    public void Each_word_of_a_coloured_state_has_a_meaning()
    {
        using var session = new ModuleRunspace();
        string[] plain =
        [
            "Neutral", "No", "NotUsed", "Refused", "OverBudget", "OverCount", "TooLittle", "WritesCostMore", "Replaced",
            "SlowsStatement", "NotBetter",
        ];
        session.Invoke("$PSStyle.OutputRendering = 'Ansi'").MustSucceed();
        foreach (var view in Views.Descendants("View"))
        {
            foreach (var script in view.Descendants("ScriptBlock").Select(s => s.Value)
                .Where(s => s.Contains("Cell]::State(", StringComparison.Ordinal)))
            {
                var type = TypeOf(session, view).GetProperty(script.Split("$_.")[1].Split(',')[0])!.PropertyType;
                Assert.All(
                    Enum.GetNames(type).Except(plain),
                    word => Assert.Contains(
                        "\e[",
                        (string)session.Invoke("[PerfMonitoring.Common.Cell]::State($args[0], $PSStyle)", word).Only().BaseObject,
                        StringComparison.Ordinal));
            }
        }
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
        // And one that says which database a row is of.
        Assert.Empty(written.Except(["PerfMonitoring.Sessions.PerfMonitoringSession"]).Select(t => t + "#Target").Except(shown));
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
        session.Invoke("$PSStyle.OutputRendering = 'PlainText'").MustSucceed();
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
        view.Element("ViewSelectedBy")!.Element("TypeName")!.Value.Replace("#Target", "", StringComparison.Ordinal)).Only()
        .BaseObject;

    private static bool IsPlain(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsPrimitive || type.IsEnum || type == typeof(decimal) || type == typeof(DateTime)
            || type == typeof(DateTimeOffset) || type == typeof(DateOnly)
            || type == typeof(TimeSpan) || type == typeof(Guid) || type == typeof(Version);
    }
}

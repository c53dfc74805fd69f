using System.Text.RegularExpressions;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace PerfMonitoring.Architecture;

/// <summary>
/// A room has one name on every floor and uses only the rooms before it. The tests read the shipped assemblies.
/// </summary>
public sealed partial class RoomTests
{
    private static readonly string[] Floors = ["PerfMonitoring.Core", "PerfMonitoring.Postgres", "PerfMonitoring"];

    /// <summary>The rooms in the order of docs/architecture.md: each may use those before it.</summary>
    private static readonly string[] Rooms =
    [
        "Common", "Configuration", "Messages", "Sessions", "Statements", "Indexes", "Plans", "Store", "Prerequisites", "QueryLog",
        "Strategies", "Audit", "Advice", "Usage", "Verification", "Changes", "Thresholds",
    ];

    private static readonly ArchUnitNET.Domain.Architecture Built = Load();

    public static TheoryData<string> AllButTheLast => [.. Rooms[..^1]];

    [Theory]
    [MemberData(nameof(AllButTheLast))]
    public void A_room_uses_no_room_that_comes_after_it(string room)
    {
        var later = string.Join('|', Rooms.SkipWhile(r => r != room).Skip(1));

        Types().That().ResideInNamespaceMatching(Namespaces(room))
            .Should().NotDependOnAny(Types().That().ResideInNamespaceMatching(Namespaces(later)))
            .Check(Built);
    }

    [Fact]
    public void Every_folder_of_a_floor_is_a_room()
    {
        var folders = Floors.SelectMany(floor => Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src", floor)))
            .Select(folder => Path.GetFileName(folder)!);

        Assert.Equal(Rooms.Order(StringComparer.Ordinal), folders.Except(["bin", "obj"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_namespace_is_named_after_its_room()
    {
        var wrong = new List<string>();
        foreach (var floor in Floors)
        {
            var root = floor == "PerfMonitoring.Postgres" ? floor : "PerfMonitoring";
            foreach (var file in SourceFiles.In(Path.Combine("src", floor), "*.cs"))
            {
                var path = Path.GetRelativePath(Path.Combine(Repository.Root, "src", floor), file);
                var parts = path.Split(Path.DirectorySeparatorChar);
                var expected = parts.Length == 1 ? root : $"{root}.{parts[0]}";
                if (NamespaceLine().Match(File.ReadAllText(file)).Groups[1].Value != expected)
                {
                    wrong.Add($"{floor}/{path}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_document_has_the_rooms_in_this_order()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md"));

        Assert.Equal(Rooms, RowOfRoom().Matches(document).Select(m => m.Groups[1].Value));
    }

    private static ArchUnitNET.Domain.Architecture Load()
    {
        var stage = Path.GetDirectoryName(ModuleRunspace.ManifestPath)!;
        return new ArchLoader()
            .LoadFilteredDirectory(stage, "PerfMonitoring*.dll")
            .LoadFilteredDirectory(Path.Combine(stage, "deps"), "PerfMonitoring.Postgres.dll")
            .Build();
    }

    private static string Namespaces(string rooms) => $@"^PerfMonitoring\.(Postgres\.)?({rooms})$";

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex RowOfRoom();
}

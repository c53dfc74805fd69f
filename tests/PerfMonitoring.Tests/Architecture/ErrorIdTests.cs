using System.Text.RegularExpressions;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Architecture;

/// <summary>An error id has one meaning: it has one kind, one list contains it, and the help names no other id.</summary>
public sealed partial class ErrorIdTests
{
    private static readonly string Listed = File.ReadAllText(
        Path.Combine(Repository.Root, "src", "PerfMonitoring.Core", "Common", "ErrorIds.cs"));

    private static readonly string[] Sources =
        [.. new[] { "PerfMonitoring", "PerfMonitoring.Core", "PerfMonitoring.Postgres" }
            .SelectMany(project => SourceFiles.In(Path.Combine("src", project), "*.cs"))
            .Select(File.ReadAllText)];

    private static string[] Ids => [.. Constant().Matches(Listed).Select(m => m.Groups[1].Value)];

    [Fact]
    public void Each_id_is_used_with_one_kind()
    {
        var kinds = Sources.SelectMany(s => Use().Matches(s)).ToLookup(m => m.Groups[1].Value, m => m.Groups[2].Value);

        Assert.All(
            Ids, id =>
                Assert.True(Sources.Any(s => s.Contains($"ErrorIds.{id}", StringComparison.Ordinal)), $"{id} is not used"));
        Assert.All(kinds, k => Assert.True(k.Distinct().Count() == 1, $"{k.Key}: {string.Join(", ", k.Distinct())}"));
    }

    [Fact]
    public void No_id_is_written_out_elsewhere()
    {
        var literals = Sources.SelectMany(s => Literal().Matches(s)).Select(m => m.Groups[1].Value).ToHashSet();

        Assert.Empty(literals.Intersect(Ids));
        Assert.Empty(Sources.SelectMany(s => Made().Matches(s)).Select(m => m.Value));
    }

    [Fact]
    public void The_list_is_in_order_and_names_each_id_once()
    {
        Assert.Equal(Ids.Order(StringComparer.Ordinal), Ids);
        Assert.Equal(Ids.Distinct(), Ids);
    }

    [GeneratedRegex(@"const string (\w+) = nameof\(\1\);")]
    private static partial Regex Constant();

    [GeneratedRegex(@"ErrorIds\.(\w+),\s*FailureKind\.(\w+)")]
    private static partial Regex Use();

    [GeneratedRegex(@"""(\w+)""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"""[A-Z]\w+"",\s*FailureKind\.\w+")]
    private static partial Regex Made();
}

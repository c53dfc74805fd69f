using System.Text.RegularExpressions;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Architecture;

/// <summary>A select list can be reordered: only the first column of a result is ever read by its position.</summary>
public sealed partial class RowTests
{
    [Fact]
    public void Columns_are_read_by_name() => Assert.Empty(
        SourceFiles.In("src/PerfMonitoring.Postgres", "*.cs").Where(f => Position().IsMatch(File.ReadAllText(f)))
            .Select(f => Path.GetRelativePath(Repository.Root, f)));

    [GeneratedRegex(@"\.(?:Get\w+(?:<[^>]+>+)?|IsDBNull)\([1-9]\d*\)")]
    private static partial Regex Position();
}

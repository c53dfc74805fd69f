using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Architecture;

/// <summary>Two lines fit beside each other on a screen: code ends at 130 columns, prose at 160.</summary>
public sealed class WidthTests
{
    private const int Code = 130;
    private const int Prose = 160;

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Code_ends_at_130_columns(string folder)
    {
        var wide = new List<string>();
        foreach (var file in SourceFiles.In(folder, "*.cs"))
        {
            // The content of a raw literal is data, and a line break would change it.
            var isData = false;
            Look(file, wide, Code, line =>
            {
                var wasData = isData;
                isData ^= Count(line, "\"\"\"") % 2 == 1;
                return wasData || Count(line, "\"\"\"") > 0;
            });
        }

        Assert.Empty(wide);
    }

    [Theory]
    [InlineData("src", "*.sql")]
    [InlineData("src", "*.ps1xml")]
    [InlineData("tests", "*.sql")]
    [InlineData("tests", "*.ps*1")]
    [InlineData("docs", "*.ps1")]
    public void Sql_views_and_scripts_end_at_130_columns(string folder, string pattern)
    {
        var wide = new List<string>();
        foreach (var file in SourceFiles.In(folder, pattern))
        {
            Look(file, wide, Code, _ => false);
        }

        Assert.Empty(wide);
    }

    [Theory]
    [InlineData("docs")]
    [InlineData(".")]
    public void Prose_ends_at_160_columns(string folder)
    {
        var wide = new List<string>();
        foreach (var file in folder == "." ? Directory.EnumerateFiles(Repository.Root, "*.md") : SourceFiles.In(folder, "*.md"))
        {
            // Tables and code cannot be wrapped.
            var isCode = false;
            Look(file, wide, Prose, line =>
            {
                isCode ^= line.StartsWith("```", StringComparison.Ordinal);
                return isCode || line.StartsWith('|');
            });
        }

        Assert.Empty(wide);
    }

    private static void Look(string file, List<string> wide, int limit, Func<string, bool> isExempt)
    {
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (!isExempt(line) && line.Length > limit)
            {
                wide.Add($"{Path.GetRelativePath(Repository.Root, file)}:{number}: {line.Length} columns");
            }
        }
    }

    private static int Count(string line, string part) => line.Split(part).Length - 1;
}

using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

public class WildcardTests
{
    [Theory]
    [InlineData("app*", "application", true)]
    [InlineData("app?", "apps", true)]
    [InlineData("app?", "app", false)]
    [InlineData("*.o_$", "x.o_$", true)]
    [InlineData("a.c", "abc", false)]
    [InlineData("db[0-9]", "db7", true)]
    [InlineData("db[0-9]", "dbx", false)]
    [InlineData("a`*b", "a*b", true)]
    [InlineData("a`*b", "axb", false)]
    [InlineData("[a", "[a", true)]
    [InlineData("(|)\\", "(|)\\", true)]
    [InlineData("*", "", true)]
    public void A_pattern_matches_the_whole(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Regex.IsMatch(text, Wildcard.ToRegex(pattern)));
}

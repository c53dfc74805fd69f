using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The project's SQL files. A file stands in the room of the class that runs it, and no two have one name. One text is for every
/// version of the server; what a version does not have is read in a way that it allows (<c>to_jsonb(row) ->> 'column'</c>).
/// </summary>
internal static partial class Sql
{
    /// <summary>
    /// What the module's own statements carry, so that they can be left out where statements are listed. It stands inside the
    /// statement, since the server may cut comments before it.
    /// </summary>
    public const string Marker = "/* perf_monitoring */";

    private static readonly Assembly Assembly = typeof(Sql).Assembly;
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>The resources of all files.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. Assembly.GetManifestResourceNames().Where(r => r.EndsWith(".sql", StringComparison.Ordinal))];

    /// <summary>The statement of a file.</summary>
    /// <param name="name">The file's name without folder and ending, such as GetServer.</param>
    /// <exception cref="InvalidOperationException">There is no such file, or there are two: a mistake in this
    /// project.</exception>
    public static string Get(string name) => Texts.GetOrAdd(
        name, static name => Read(All.Single(r => r.EndsWith($".{name}.sql", StringComparison.Ordinal))));

    /// <summary>The text of a resource without its header.</summary>
    /// <param name="resource">One of <see cref="All"/>.</param>
    /// <param name="marked">Whether it gets the <see cref="Marker"/>.</param>
    public static string Read(string resource, bool marked = true)
    {
        using var reader = new StreamReader(Assembly.GetManifestResourceStream(resource)!);
        var body = HeaderComment().Replace(reader.ReadToEnd(), "").Trim();
        return marked ? FirstWord().Replace(body, "$0 " + Marker, 1) : body;
    }

    [GeneratedRegex(@"\A(\s*--[^\n]*\n)+")]
    private static partial Regex HeaderComment();

    [GeneratedRegex(@"\A\w+")]
    private static partial Regex FirstWord();
}

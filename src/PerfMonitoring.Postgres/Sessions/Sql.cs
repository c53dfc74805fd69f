using System.Collections.Concurrent;
using System.Reflection;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The project's SQL files. A file stands in the room of the class that runs it, and file names are unique. One text serves every
/// version of the server. A column that a version lacks is read in a way that this version allows (<c>to_jsonb(row) ->>
/// 'column'</c>).
/// </summary>
internal static partial class Sql
{
    /// <summary>
    /// Marks the module's own statements, so that lists of statements can leave them out. It stands inside the statement, because
    /// the server may cut comments before it. The name of the file follows it.
    /// </summary>
    public const string Marker = "/* perf_monitoring */";

    private static readonly Assembly Assembly = typeof(Sql).Assembly;
    private static readonly ConcurrentDictionary<string, string> Texts = new();

    /// <summary>The names of the embedded resources.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. Assembly.GetManifestResourceNames().Where(r => r.EndsWith(".sql", StringComparison.Ordinal))];

    /// <summary>The statement of a file.</summary>
    /// <param name="name">The file's name without folder and extension, such as GetServer.</param>
    /// <exception cref="InvalidOperationException">There is no such file, or there are two: a mistake in this
    /// project.</exception>
    public static string Get(string name) => Texts.GetOrAdd(name, static name =>
    {
        var resource = All.Single(r => r.EndsWith($".{name}.sql", StringComparison.Ordinal));
        return FirstWord().Replace(Read(resource, marked: false), $"$0 {Marker} /* {name} */", 1);
    });

    /// <summary>The name of the file that a statement is of, whatever the driver or its caller put in the place of parameters.
    /// </summary>
    /// <returns>Null for a statement that is of no file.</returns>
    public static string? NameOf(string statement) =>
        NameMark().Match(statement) is { Success: true } match && Texts.ContainsKey(match.Groups[1].Value)
            ? match.Groups[1].Value : null;

    /// <summary>The text of a resource without its header.</summary>
    /// <param name="resource">One of <see cref="All"/>.</param>
    /// <param name="marked">Whether it gets the <see cref="Marker"/>.</param>
    public static string Read(string resource, bool marked = true)
    {
        using var reader = new StreamReader(Assembly.GetManifestResourceStream(resource)!);
        var body = HeaderComment().Replace(reader.ReadToEnd(), "").Trim();
        return marked ? FirstWord().Replace(body, "$0 " + Marker, 1) : body;
    }

    /// <summary>The text with the store's schema for {{store}}.</summary>
    /// <param name="sql">A statement.</param>
    /// <param name="schema">A name that needs no quotes,.</param>
    public static string InSchema(string sql, string schema) => sql.Replace("{{store}}", schema, StringComparison.Ordinal);

    [GeneratedRegex(@"\A(\s*--[^\n]*\n)+")]
    private static partial Regex HeaderComment();

    // It stands behind the first word, so the text of a user that is explained or prepared has none.
    [GeneratedRegex(@"\A\w+ /\* perf_monitoring \*/ /\* (\w+) \*/")]
    private static partial Regex NameMark();

    [GeneratedRegex(@"\A\w+")]
    private static partial Regex FirstWord();
}

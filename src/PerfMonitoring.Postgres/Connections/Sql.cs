using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Postgres.Connections;

/// <summary>
/// The project's SQL files. A file stands beside the class that runs it and has the method's name: <c>GetServer.sql</c>, or
/// <c>GetServer.v17.sql</c> for what must differ from PostgreSQL 17 on.
/// </summary>
internal static partial class Sql
{
    /// <summary>
    /// What the product's own statements carry, so that they can be left out where statements are listed. It stands inside the
    /// statement, since the server may cut comments before it.
    /// </summary>
    public const string Marker = "/* perf_monitoring */";

    private static readonly Assembly Assembly = typeof(Sql).Assembly;
    private static readonly ConcurrentDictionary<(string Folder, string Name, int Major), string> Texts = new();
    private static readonly string[] Resources = Assembly.GetManifestResourceNames();

    /// <summary>The statement of a file beside <paramref name="owner"/>, for a server of the given server_version_num.</summary>
    /// <exception cref="InvalidOperationException">There is no such file: a mistake in this project.</exception>
    public static string Get(Type owner, string name, int serverVersionNumber)
    {
        var major = serverVersionNumber / 10000;
        return Texts.GetOrAdd((owner.Namespace!, name, major), static key => Load(key.Folder, key.Name, key.Major));
    }

    /// <summary>Every file, as resource name and the lowest major version that it is for (0 for any).</summary>
    public static IEnumerable<(string Resource, int Major)> All() =>
        Resources.Where(r => r.EndsWith(".sql", StringComparison.Ordinal))
            .Select(r =>
                (r, VersionSuffix().Match(r) is { Success: true } m
                ? int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) : 0));

    /// <summary>The text of a resource without its header; marked as the product's own unless told.</summary>
    public static string Read(string resource, bool marked = true)
    {
        using var stream = Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"There is no embedded file {resource}.");
        using var reader = new StreamReader(stream);
        var body = HeaderComment().Replace(reader.ReadToEnd(), "").Trim();
        return marked ? FirstWord().Replace(body, "$0 " + Marker, 1) : body;
    }

    private static string Load(string folder, string name, int major)
    {
        var prefix = folder + "." + name;
        var best = All()
            .Where(f =>
                f.Major <= major && (f.Resource == prefix + ".sql" || (f.Major > 0 && f.Resource == $"{prefix}.v{f.Major}.sql")))
            .OrderByDescending(f => f.Major)
            .Select(f => f.Resource)
            .FirstOrDefault();
        return Read(
            best ?? throw new InvalidOperationException($"There is no embedded file {prefix}.sql for PostgreSQL {major}."));
    }

    [GeneratedRegex(@"\A(\s*--[^\n]*\n)+")]
    private static partial Regex HeaderComment();

    [GeneratedRegex(@"\A\w+")]
    private static partial Regex FirstWord();

    [GeneratedRegex(@"\.v(\d+)\.sql$")]
    private static partial Regex VersionSuffix();
}

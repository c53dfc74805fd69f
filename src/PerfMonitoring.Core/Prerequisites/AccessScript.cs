using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>The rights as scripts and as a list, for the topic about_PerfMonitoring_Security.</summary>
internal static class AccessScript
{
    // Scripts are indented, and a help topic has 80 columns.
    private const int MaximumLength = 72;

    // Width of the list in Markdown.
    private const int MaximumWidth = 150;

    /// <summary>The roles that an administrator creates.</summary>
    public static IReadOnlyList<AccessRole> Roles { get; } = [AccessRole.Reader, AccessRole.Collector, AccessRole.Builder];

    /// <summary>The grants of a role in one database, for psql: names that differ between servers are psql variables.</summary>
    public static string Of(AccessRole role, bool ofStore) => string.Join('\n', AccessRights.All
        .Where(r => r.IsOfStore == ofStore && (r.Roles & role) != 0)
        .SelectMany(r => r.Grants)
        .Where(g => !g.IsOfPublic && !g.IsOfMany)
        .GroupBy(g => (g.Kind, g.Schema, g.Name))
        .Select(g => g.First() with { Privileges = string.Join(", ", g.SelectMany(x => x.Privileges.Split(", ")).Distinct()) })
        .SelectMany(g => g.ToSql("<role>", Variable, ofStore ? "<store owner>" : AccessRights.ApplicationOwner).Split('\n'))
        .Select(Wrap));

    /// <summary>Each right with its purpose, its roles and the cmdlets that need it, as a list in Markdown.</summary>
    public static string List() => string.Join("\n", AccessRights.All.Select(r => Fold(
        $"- {r.Name} ({(r.IsOfStore ? "the store's database" : "the monitored database")}; {Names(r.Roles)}): {r.Enables} " +
        $"Needed by {string.Join(", ", r.Cmdlets.Distinct().Order(StringComparer.Ordinal))}.")));

    private static string Names(AccessRole roles) => roles switch
    {
        AccessRole.None => "the owner of the store",
        AccessRole.All => "every role",
        _ => string.Join(" and ", Roles.Where(r => (roles & r) != 0).Select(r => r.ToString().ToLowerInvariant())),
    };

    private static string Variable(string name) => name switch
    {
        "<role>" => ":\"role\"",
        "<store owner>" => ":\"store_owner\"",
        AccessRights.Database => ":\"database\"",
        AccessRights.ApplicationSchema => ":\"schema\"",
        AccessRights.ApplicationOwner => ":\"owner\"",
        AccessRights.StatementsSchema => ":\"statements_schema\"",
        AccessRights.HypoPgSchema => ":\"hypopg_schema\"",
        AccessRights.Store => "perf_monitoring",
        _ => Identifier.Quote(name),
    };

    private static string Fold(string text)
    {
        var lines = new List<string> { "" };
        foreach (var word in text.Split(' '))
        {
            if (lines[^1].Length + word.Length >= MaximumWidth)
            {
                lines.Add(" ");
            }

            lines[^1] += (lines[^1].Length == 0 ? "" : " ") + word;
        }

        return string.Join('\n', lines);
    }

    private static string Wrap(string line)
    {
        if (line.Length <= MaximumLength)
        {
            return line;
        }

        var at = line.LastIndexOf(" to ", StringComparison.Ordinal);
        at = line.IndexOf(" grant ", StringComparison.Ordinal) is > 0 and var grant ? grant : at;
        return $"{line[..at]}\n    {line[(at + 1)..]}";
    }
}

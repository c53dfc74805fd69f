using System.Text.RegularExpressions;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>A set of migrations: those of a monitored database's schema, or those of the list of monitored databases.</summary>
internal sealed partial class MigrationScripts
{
    private MigrationScripts(string folder, string journal)
    {
        Journal = journal;
        Scripts =
        [
            .. Sql.All.Where(r => r.StartsWith(folder, StringComparison.Ordinal) && Numbered().IsMatch(r[folder.Length..]))
                .Select(r => new StoreMigration(r[folder.Length..], Sql.Read(r, marked: false)))
                .OrderBy(m => m.Name, StringComparer.Ordinal),
        ];
        var all = string.Join('\n', Scripts.Select(m => m.Sql));
        Tables = [.. TableName().Matches(all).Select(m => m.Groups["name"].Value).Append(journal)];
        Types = [.. TypeName().Matches(all).Select(m => m.Groups["name"].Value)];
        Functions = Function().Matches(all).ToArray();
    }

    /// <summary>The data model and what the module keeps besides: one schema for each monitored database.</summary>
    public static MigrationScripts Data { get; } = new("PerfMonitoring.Postgres.Store.Migrations.", "schema_version");

    /// <summary>The list of the monitored databases in a store for many.</summary>
    public static MigrationScripts Registry { get; } = new("PerfMonitoring.Postgres.Store.Registry.", "registry_version");

    /// <summary>The table of applied migrations.</summary>
    public string Journal { get; }

    /// <summary>The migrations, in order. Their SQL names the schema as {{store}}.</summary>
    public IReadOnlyList<StoreMigration> Scripts { get; }

    /// <summary>The tables of any version, with the journal.</summary>
    public IReadOnlyList<string> Tables { get; }

    /// <summary>The types of any version.</summary>
    public IReadOnlyList<string> Types { get; }

    /// <summary>
    /// Every definition of each function: groups name, head and body. A store of an earlier version has an earlier definition
    /// until it is upgraded.
    /// </summary>
    public IReadOnlyList<Match> Functions { get; }

    [GeneratedRegex(@"^\d{4}_")]
    private static partial Regex Numbered();

    [GeneratedRegex("""^create table \{\{store\}\}\."?(?<name>\w+)""", RegexOptions.Multiline)]
    private static partial Regex TableName();

    [GeneratedRegex(@"^create type \{\{store\}\}\.(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeName();

    [GeneratedRegex(
        @"^create (or replace )?function \{\{store\}\}\.(?<name>\w+)(?<head>[^$]*)\$\$(?<body>.*?)\$\$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Function();
}

using PerfMonitoring.Common;
using PerfMonitoring.Store;

namespace PerfMonitoring.Prerequisites;

public sealed class AccessRightsTests
{
    private static readonly IReadOnlyList<ExtensionFacts> Extensions =
        [new() { Name = "pg_stat_statements", InstalledVersion = "1.10", AvailableVersion = "1.10", Schema = "ext" }];

    [Fact]
    public void The_page_says_what_the_table_says()
    {
        var page = File.ReadAllText(PagePath()).ReplaceLineEndings("\n");

        Contains(AccessScript.List());
        foreach (var role in AccessScript.Roles)
        {
            Contains($"```sql\n{AccessScript.Of(role, ofStore: false)}\n```");
            Contains($"```sql\n{AccessScript.Of(role, ofStore: true)}\n```");
        }

        void Contains(string expected) =>
            Assert.True(
                page.Contains(expected, StringComparison.Ordinal),
                $"docs/en-US/about_PerfMonitoring_Security.md lacks:\n\n{expected}\n");
    }

    [Fact]
    public void Lines_of_the_scripts_fit_a_console() => Assert.All(
        AccessScript.Roles.SelectMany(r => new[] { AccessScript.Of(r, false), AccessScript.Of(r, true) })
            .SelectMany(s => s.Split('\n')),
        line => Assert.True(line.Length <= 76, line));

    [Theory]
    [InlineData(15, true, "grant pg_monitor to \"A \"\"B\";")]
    [InlineData(15, false, "grant pg_monitor to \"A \"\"B\"; alter role \"A \"\"B\" inherit;")]
    [InlineData(16, false, "grant pg_monitor to \"A \"\"B\" with inherit true;")]
    public void A_membership_is_one_that_counts(int majorVersion, bool inherits, string remedy)
    {
        var result = Judge(
            majorVersion, new RightFacts { ReadsAllStatistics = true, Inherits = inherits },
            [new(GrantKind.Role, "", "pg_monitor", "")])
            .Single(r => r.Name == "pg_monitor");

        Assert.Equal((PrerequisiteState.Denied, remedy), (result.State, result.Remedy));
    }

    [Fact]
    public void Only_what_is_missing_is_granted()
    {
        var results = AccessCheck.JudgeStore(
            Place(15), Fact.Known<IReadOnlyList<StoreMigration>>([]),
            Fact.Known(new StoreRightFacts { UserName = "u", Owner = "o" }),
            Fact.Known<IReadOnlyList<AccessGrant>>(
            [
                new(GrantKind.Table, "perf_monitoring", "index_action", "update"),
                new(GrantKind.Table, "perf_monitoring", "user", "insert, update"),
                new(GrantKind.Table, "perf_monitoring", "query_statistics", "delete"),
            ])).ToDictionary(r => r.Name);

        Assert.Equal(
            "grant insert, update on perf_monitoring.\"user\" to \"A \"\"B\"; grant update on perf_monitoring.index_action to "
                + "\"A \"\"B\";", results["Write the audit"].Remedy);
        Assert.Equal("grant delete on perf_monitoring.query_statistics to \"A \"\"B\";", results["Write the query log"].Remedy);
        Assert.Equal(PrerequisiteState.Ok, results["Read the store"].State);
        Assert.False(results.ContainsKey("Create the store"));
    }

    [Fact]
    public void The_rights_of_a_superuser_are_not_granted()
    {
        var result = Judge(15, new RightFacts { Tables = 1, SuperOwners = ["postgres"] }, [])
            .Single(r => r.Name == "Create indexes");

        Assert.DoesNotContain("grant", result.Remedy, StringComparison.Ordinal);
        Assert.Contains("postgres", result.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_and_owners_are_named_by_schema_and_role()
    {
        var results = Judge(15, new RightFacts
        {
            Relations = 3, UnreadableSchemas = ["S x", "t"], Tables = 2, OtherOwners = ["owner"], ClosedSchemas = ["public"],
        }, []).ToDictionary(r => r.Name);

        Assert.Equal(
            "grant usage on schema \"S x\" to \"A \"\"B\"; grant select on all tables in schema \"S x\" to \"A \"\"B\"; "
            + "grant usage on schema t to \"A \"\"B\"; grant select on all tables in schema t to \"A \"\"B\";",
            results["Plan the workload"].Remedy);
        Assert.Equal(
            "grant owner to \"A \"\"B\"; grant create on schema public to \"A \"\"B\";", results["Create indexes"].Remedy);
    }

    [Fact]
    public void Every_cmdlet_that_is_named_exists() => Assert.All(
        AccessRights.All.SelectMany(r => r.Cmdlets).Distinct(),
        name => Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(PagePath())!, name + ".md")), name));

    private static List<PrerequisiteResult> Judge(int majorVersion, RightFacts rights, IReadOnlyList<AccessGrant> missing) =>
        [.. AccessCheck.JudgeMonitored(Place(majorVersion), Fact.Known(Extensions), Fact.Known(rights), Fact.Known(missing))];

    private static AccessCheck.Place Place(int majorVersion) => new(
        new ServerTarget { HostName = "db", Port = 5432, Database = "App", ServerVersionNumber = majorVersion * 10000 }, "A \"B",
        Fact.Known(Extensions));

    private static string PagePath()
    {

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "docs", "en-US", "about_PerfMonitoring_Security.md");
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException("about_PerfMonitoring_Security.md");
    }
}

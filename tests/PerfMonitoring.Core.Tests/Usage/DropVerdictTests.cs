using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Usage;

public sealed class DropVerdictTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 30, 12, 0, 0, TimeSpan.Zero);

    private static readonly StatisticsState Trusted = new() { Now = Now, Since = Now.AddDays(-40) };

    [Fact]
    public void An_index_that_is_scanned_is_kept()
    {
        var verdict = Only(Index("a") with { Scans = 1 });

        Assert.False(verdict.IsRecommended);
        Assert.Empty(verdict.Reasons);
        Assert.Empty(verdict.Blockers);
    }

    [Fact]
    public void An_index_that_was_never_scanned_may_go()
    {
        var verdict = Only(Index("a") with { Scans = 0 });

        Assert.True(verdict.IsRecommended);
        Assert.Equal("Not scanned since the statistics began on 2026-05-21 (40 days).", Assert.Single(verdict.Reasons));
    }

    public static TheoryData<string, Func<IndexUsage, IndexUsage>, string> Protected => new()
    {
        { "primary key", i => Of(i, x => x with { IsPrimary = true, Definition = x.Definition with { IsUnique = true } }),
            "It is the primary key." },
        { "unique", i => Define(i, d => d with { IsUnique = true }), "It enforces uniqueness." },
        { "exclusion", i => Of(i, x => x with { IsExclusion = true }), "It enforces an exclusion constraint." },
        { "replica identity", i => Of(i, x => x with { IsReplicaIdentity = true }), "It is the replica identity of its table." },
        { "clustered", i => Of(i, x => x with { IsClustered = true }), "Its table is clustered by it." },
        { "attached", i => Of(i, x => x with { ParentIndex = "parent_idx" }),
            "It is attached to parent_idx, the index of a partitioned table." },
        { "extension", i => i with { Extension = "postgis" }, "Its table belongs to extension postgis." },
        { "being built", i => Of(i, x => x with { IsValid = false }) with { IsBeingBuilt = true }, "It is being built." },
        { "invalid", i => Of(i, x => x with { IsValid = false }),
            "It is invalid: the planner does not use it, and a build that failed or still runs may own it." },
        { "locked", i => i with { IsLocked = true },
            "Its table is locked exclusively at this moment: not everything about it could be read." },
        { "no statistics", i => i with { Scans = null }, "The server has no statistics of it." },
        { "unknown age", i => i with { ExistsSince = null },
            "It is unknown how long the index has been there: PostgreSQL does not keep that. Store its usage daily with "
                + "Update-IndexUsageStat." },
        { "young", i => i with { ExistsSince = Now.AddDays(-6.9) },
            "It is known to be there only since 2026-06-23, less than 7 days ago." },
    };

    [Theory]
    [MemberData(nameof(Protected), DisableDiscoveryEnumeration = true)]
    public void What_forbids_dropping_is_said(string what, Func<IndexUsage, IndexUsage> change, string blocker)
    {
        var verdict = Only(change(Index("a") with { Scans = 0 }));

        Assert.False(verdict.IsRecommended, what);
        Assert.Equal(blocker, Assert.Single(verdict.Blockers).Text);
    }

    public static TheoryData<string, Func<StatisticsState, StatisticsState>, string> Untrusted => new()
    {
        { "young", s => s with { Since = Now.AddDays(-6.9) }, "The statistics began on 2026-06-23, less than 7 days ago." },
        { "of unknown age", s => s with { Since = null }, "It is unknown since when the statistics count." },
        { "off", s => s with { IsTracking = false }, "track_counts is off: scans are not counted." },
        { "a standby's", s => s with { IsStandby = true },
            "This server is a standby: what the primary scans is not counted here." },
        { "of one server of three", s => s with { UnaskedStandbyCount = 2 },
            "Unknown: 2 standby server(s) count their own scans and were not asked (-Replica)." },
    };

    [Theory]
    [MemberData(nameof(Untrusted), DisableDiscoveryEnumeration = true)]
    public void Statistics_that_cannot_be_trusted_call_nothing_unused(
        string what, Func<StatisticsState, StatisticsState> change, string blocker)
    {
        var verdict = Judge(change(Trusted), Index("a") with { Scans = 0 })[10];

        Assert.False(verdict.IsRecommended, what);
        Assert.Equal(blocker, Assert.Single(verdict.Blockers).Text);
        Assert.StartsWith("Not scanned", Assert.Single(verdict.Reasons), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Untrusted), DisableDiscoveryEnumeration = true)]
    public void What_is_redundant_needs_no_statistics(string what, Func<StatisticsState, StatisticsState> change, string _)
    {
        var verdicts = Judge(
            change(Trusted), Keyed(10, "a") with { Scans = 0 }, Keyed(11, "a,b"), Keyed(12, "a,b") with { Scans = null });

        Assert.True(verdicts[10].IsRecommended, what);
        // It is not certain that the index was not scanned, so that is not a reason.
        Assert.Equal(["Its keys are the first keys of i11.", "Its keys are the first keys of i12."], verdicts[10].Reasons);
        Assert.False(verdicts[11].IsRecommended, what);
        Assert.True(verdicts[12].IsRecommended, what);
    }

    // The scans on a primary and a standby, and the days since the last scan of each; whether the index may be dropped.
    [Theory]
    [InlineData(0L, null, 0L, null, "Not scanned on any of 2 servers since the statistics began on 2026-05-21 (40 days).")]
    [InlineData(0L, null, 1L, null, null)]
    [InlineData(1L, null, 0L, null, null)]
    [InlineData(7L, 36.0, 0L, null, "Not scanned on any of 2 servers since 2026-05-25 (36 days).")]
    [InlineData(7L, 36.0, 3L, 35.5, "Not scanned on any of 2 servers since 2026-05-26 (35 days).")]
    [InlineData(7L, 36.0, 3L, 34.9, null)]
    [InlineData(7L, 34.9, 0L, null, null)]
    public void An_index_is_unused_where_no_server_scanned_it_in_the_window(
        long primary, double? primaryLast, long standby, double? standbyLast, string? reason)
    {
        var verdict = Only(Index("a") with
        {
            Scans = primary + standby,
            LastScan = Ago(primaryLast) > Ago(standbyLast) || standbyLast is null ? Ago(primaryLast) : Ago(standbyLast),
            Counts = [new("a:1", primary, Trusted.Since, Ago(primaryLast)), new("b:1", standby, Trusted.Since, Ago(standbyLast))],
        });

        Assert.Equal(reason is not null, verdict.IsRecommended);
        Assert.Equal(reason, verdict.Reasons.SingleOrDefault());
        Assert.Empty(verdict.Blockers);
    }

    [Fact]
    public void A_standby_that_does_not_know_the_index_yet_makes_it_unknown()
    {
        var verdict = Only(
            Index("a") with {
            Scans = null, Counts = [new("a:1", 0, Trusted.Since, null), new("b:1", null, Trusted.Since, null)] });

        Assert.Equal("b:1 has no statistics of it.", Assert.Single(verdict.Blockers).Text);
        Assert.Empty(verdict.Reasons);
    }

    [Fact]
    public void A_scan_tells_how_long_the_index_has_been_there() =>
        Assert.True(Only(Index("a") with { Scans = 1, LastScan = Now.AddDays(-36), ExistsSince = null }).IsRecommended);

    // Standbys that the primary and each queried one see, and how many of the queried ones receive.
    [Theory]
    [InlineData(0, new int[0], 0, 0)]
    [InlineData(2, new int[0], 0, 2)]
    [InlineData(2, new[] { 0 }, 1, 1)]
    [InlineData(2, new[] { 0, 0 }, 2, 0)]
    [InlineData(1, new[] { 1 }, 1, 1)]
    [InlineData(1, new[] { 1, 0 }, 2, 0)]
    [InlineData(1, new[] { 0 }, 0, 1)]
    public void Each_asked_standby_is_one_unknown_less_and_may_have_standbys_of_its_own(
        int seen, int[] theirs, int receiving, int expected)
    {
        var standbys = theirs.Select((n, i) => Trusted with { UnaskedStandbyCount = n, IsReceiving = i < receiving }).ToList();

        Assert.Equal(expected, (Trusted with { UnaskedStandbyCount = seen }).With(standbys).UnaskedStandbyCount);
    }

    [Fact]
    public void Together_statistics_are_as_good_as_the_worst()
    {
        Assert.Equal(Now.AddDays(-3), Trusted.With([Trusted with { Since = Now.AddDays(-3) }]).Since);
        Assert.Null(Trusted.With([Trusted with { Since = null }]).Since);
        Assert.False(Trusted.With([Trusted with { IsTracking = false }]).IsTracking);
    }

    [Fact]
    public void The_statistics_of_an_expression_forbid_it_until_something_else_has_them()
    {
        var index = Keyed(10, "(lower(name))") with { Scans = 0, TableRows = 100, Expressions = ["lower(name)"] };
        var other = Keyed(11, "(lower(name)),b") with { Expressions = ["lower(name)"] };

        var verdict = Only(index);
        Assert.Equal(
            "The planner may use the statistics of its expression lower(name), which nothing else has.",
            Assert.Single(verdict.Blockers).Text);
        Assert.Equal(["lower(name)"], verdict.LostExpressions);
        Assert.True(Only(index with { StatisticsExpressions = ["lower(name)"] }).IsRecommended);
        Assert.True(Only(index with { TableRows = null }).IsRecommended, "never analysed");
        Assert.True(
            Only(Define(index, d => d with { Where = "a > 1" })).IsRecommended,
            "the planner does not use those of a partial index");
        Assert.True(Judge(Trusted, index, other)[10].IsRecommended);
        Assert.False(Judge(Trusted, index, Define(other, d => d with { Where = "a > 1" }))[10].IsRecommended);
        // Of two redundant indexes, dropping the first removes the reason to drop the other.
        Assert.Equal(
            [false, true],
            Judge(Trusted, index, Of(other, x => x with { SizeBytes = 9 }) with { Scans = 0 }).OrderBy(v => v.Key)
            .Select(v => v.Value.IsRecommended));
    }

    // Keys of two indexes, the first older; which of them may be dropped.
    [Theory]
    [InlineData("a", "a", false, true)]
    [InlineData("a,b", "a,b", false, true)]
    [InlineData("a", "a,b", true, false)]
    [InlineData("a,b", "a", false, true)]
    [InlineData("b", "a,b", false, false)]
    [InlineData("a", "a desc", false, true)]
    [InlineData("a,b", "a desc,b desc", false, true)]
    [InlineData("a", "a desc,b", true, false)]
    [InlineData("a,b", "a desc,b", false, false)]
    [InlineData("a,b", "b,a", false, false)]
    public void Redundant_indexes_go_the_narrower_and_the_younger_first(
        string first, string second, bool firstGoes, bool secondGoes)
    {
        var verdicts = Judge(Trusted, Keyed(10, first), Keyed(11, second));

        Assert.Equal((firstGoes, secondGoes), (verdicts[10].IsRecommended, verdicts[11].IsRecommended));
    }

    [Fact]
    public void Redundancy_is_said_with_the_name_of_the_other()
    {
        Assert.Equal("Duplicate of i10.", Assert.Single(Judge(Trusted, Keyed(10, "a"), Keyed(11, "a"))[11].Reasons));
        Assert.Equal(
            "Its keys are the first keys of i11.", Assert.Single(Judge(Trusted, Keyed(10, "a"), Keyed(11, "a,b"))[10].Reasons));
    }

    public static TheoryData<string, Func<IndexUsage, IndexUsage>, bool> Others => new()
    {
        { "hash keeps its prefix", i => Define(i, d => d with { Method = "hash" }), false },
        { "another predicate", i => Define(i, d => d with { Where = "a > 1" }), false },
        { "an included column that the other lacks", i => Define(i, d => d with { Include = ["i"] }), false },
        { "an included column that is a key of the other", i => Define(i, d => d with { Include = ["b"] }), true },
        { "unique", i => Define(i, d => d with { IsUnique = true }), false },
        { "a young index is redundant all the same", i => i with { ExistsSince = null }, true },
        { "unused besides, of unknown age", i => i with { Scans = 0, ExistsSince = null }, true },
    };

    [Theory]
    [MemberData(nameof(Others), DisableDiscoveryEnumeration = true)]
    public void What_makes_an_index_more_than_the_beginning_of_another(
        string what, Func<IndexUsage, IndexUsage> change, bool goes)
    {
        var verdicts = Judge(Trusted, change(Keyed(10, "a")), Keyed(11, "a,b"));

        Assert.True(goes == verdicts[10].IsRecommended, what);
        Assert.False(verdicts[11].IsRecommended, what);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_skip_scan_is_a_note_and_no_reason(bool canSkip)
    {
        var verdict = DropVerdict.Judge(
            [Keyed(10, "b"), Keyed(11, "a,b")], [], Trusted, DropVerdict.DefaultWindow, canSkip)[10];

        Assert.False(verdict.IsRecommended);
        Assert.Empty(verdict.Reasons);
        Assert.Equal(
            canSkip
                ? ["A skip scan of i11 can do its work where the keys before have few values. Compare both plans before you "
                    + "drop it."]
                : [],
            verdict.Notes);
    }

    [Fact]
    public void An_invalid_index_makes_no_other_redundant() =>
        Assert.False(Judge(Trusted, Keyed(10, "a"), Of(Keyed(11, "a,b"), x => x with { IsValid = false }))[10].IsRecommended);

    [Fact]
    public void Brin_indexes_of_other_ranges_are_no_duplicates() =>
        Assert.False(
            Judge(Trusted, Define(Keyed(10, "a"), d => d with { Method = "brin" }),
            Define(Keyed(11, "a"), d => d with { Method = "brin", StorageParameters = ["pages_per_range='8'"] }))[11]
                .IsRecommended);

    [Fact]
    public void What_is_itself_to_go_makes_no_other_redundant()
    {
        var verdicts = Judge(Trusted, Keyed(10, "a"), Keyed(11, "a,b") with { Scans = 0 });

        Assert.False(verdicts[10].IsRecommended);
        Assert.True(verdicts[11].IsRecommended);
    }

    [Fact]
    public void Of_a_chain_only_the_widest_stays()
    {
        var verdicts = Judge(Trusted, Keyed(10, "a"), Keyed(11, "a,b"), Keyed(12, "a,b,c"));

        Assert.Equal([true, true, false], verdicts.OrderBy(v => v.Key).Select(v => v.Value.IsRecommended));
    }

    [Fact]
    public void A_foreign_key_keeps_its_only_index()
    {
        var verdict = Judge([Refers("a")], Trusted, Keyed(10, "a") with { Scans = 0 })[10];

        Assert.False(verdict.IsRecommended);
        Assert.Equal("No other index serves foreign key fk.", Assert.Single(verdict.Blockers).Text);
    }

    [Fact]
    public void Of_two_unused_indexes_of_a_foreign_key_the_smaller_stays()
    {
        var verdicts = Judge(
            [Refers("a")], Trusted,
            Of(Keyed(10, "a"), x => x with { SizeBytes = 10 }) with { Scans = 0 },
            Of(Keyed(11, "a,b"), x => x with { SizeBytes = 20 }) with { Scans = 0 });

        Assert.False(verdicts[10].IsRecommended);
        Assert.True(verdicts[11].IsRecommended);
    }

    [Theory]
    [InlineData("b,a", true)]
    [InlineData("a,c", false)]
    [InlineData("c,a,b", false)]
    public void Only_an_index_that_begins_with_all_columns_serves_a_foreign_key_instead(string other, bool goes)
    {
        var verdicts = Judge(
            [Refers("a", "b")], Trusted, Keyed(10, "a,b") with { Scans = 0 }, Keyed(11, other));

        Assert.Equal(goes, verdicts[10].IsRecommended);
    }

    [Fact]
    public void A_partial_index_does_not_serve_a_foreign_key_instead() =>
        Assert.False(
            Judge([Refers("a")], Trusted, Keyed(10, "a") with { Scans = 0 },
            Define(Keyed(11, "a"), d => d with { Where = "b" }))[10].IsRecommended);

    [Fact]
    public void The_index_that_a_foreign_key_refers_to_stays() =>
        Assert.Contains(
            "Foreign key fk refers to it.",
            Judge([Refers("a") with { Table = new RelationName("public", "other"), ReferencedIndexOid = 10 }], Trusted,
                Define(Keyed(10, "a"), d => d with { IsUnique = true }) with { Scans = 0 })[10].Blockers.Select(b => b.Text));

    [Theory]
    [InlineData(0L, 0L, 1000.0, null)]
    [InlineData(10L, 100L, 1000.0, 0.01)]
    [InlineData(1L, 5000L, 1000.0, 1.0)]
    [InlineData(10L, 0L, 1000.0, 0.0)]
    [InlineData(10L, 100L, null, null)]
    [InlineData(null, null, 1000.0, null)]
    public void Selectivity_is_the_share_of_rows_that_a_scan_returns(long? scans, long? read, double? rows, double? expected) =>
        Assert.Equal(expected, UsageFigures.Selectivity(Index("a") with { Scans = scans, TuplesRead = read, TableRows = rows }));

    [Theory]
    [InlineData(1000L, 10L, 100L, 1000L, 10.0)]
    [InlineData(1000L, 0L, 100L, 1000L, 100.0)]
    [InlineData(0L, 0L, 100L, 1000L, 0.0)]
    [InlineData(0L, 0L, 0L, 0L, 0.0)]
    [InlineData(null, 0L, 100L, 1000L, null)]
    [InlineData(5L, 5L, null, null, null)]
    public void The_cost_score_is_writes_for_a_scan_by_share_of_size(
        long? writes, long? scans, long? size, long? all, double? expected) =>
        Assert.Equal(
            expected,
            UsageFigures.MaintenanceCostScore(
                Of(Index("a"), x => x with { SizeBytes = size ?? 0 }) with {
                    TableWrites = writes, Scans = scans, TableSizeBytes = all, IsLocked = size is null }));

    private static DateTimeOffset? Ago(double? days) => days is { } d ? Now.AddDays(-d) : null;

    private static DropVerdict Only(IndexUsage index) => Judge(Trusted, index)[index.Index.Oid];

    private static IReadOnlyDictionary<uint, DropVerdict> Judge(StatisticsState state, params IndexUsage[] indexes) =>
        Judge([], state, indexes);

    private static IReadOnlyDictionary<uint, DropVerdict> Judge(
        ForeignKey[] keys, StatisticsState state, params IndexUsage[] indexes) =>
        DropVerdict.Judge(indexes, keys, state, DropVerdict.DefaultWindow);

    private static IndexUsage Of(IndexUsage usage, Func<TableIndex, TableIndex> change) =>
        usage with { Index = change(usage.Index) };

    private static IndexUsage Define(IndexUsage usage, Func<IndexDefinition, IndexDefinition> change) =>
        Of(usage, x => x with { Definition = change(x.Definition) });

    private static ForeignKey Refers(params string[] columns) => new()
    {
        Name = "fk",
        Table = new RelationName("public", "t"),
        Columns = columns,
        ReferencedTable = new RelationName("public", "other"),
        ReferencedColumns = columns,
        ReferencedIndexOid = 99,
    };

    private static IndexUsage Keyed(uint oid, string keys) => Of(Index(keys), x => x with
    {
        Oid = oid, Definition = x.Definition with { Name = $"i{oid}" },
    });

    // Columns, "a desc", and expressions in parentheses.
    private static IndexUsage Index(string keys) => new()
    {
        Index = new TableIndex
        {
            Oid = 10,
            TableOid = 1,
            Definition = new IndexDefinition
            {
                Table = new RelationName("public", "t"), Name = "i", Keys = [.. keys.Split(',').Select(Key)],
            },
            ServerDefinition = "",
            IsValid = true,
            IsReady = true,
        },
        Scans = 5,
        ExistsSince = Now.AddDays(-30),
    };

    private static IndexKey Key(string key) => key.StartsWith('(')
        ? IndexKey.OnExpression(key[1..^1])
        : IndexKey.OnColumn(key.Split(' ')[0]) with { Descending = key.EndsWith(" desc", StringComparison.Ordinal) };
}

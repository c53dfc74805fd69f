using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

public sealed class StoreEntryMatchTests
{
    private static readonly DateTimeOffset Monday = new(2026, 11, 23, 8, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Tuesday = Monday.AddDays(1);

    private static readonly ServerTarget Shop = new()
    {
        HostName = "db1", Port = 5432, Database = "shop", DatabaseOid = 16384, SystemIdentifier = 77,
        ServerVersionNumber = 150018,
    };

    private static readonly StoreEntry Known = new()
    {
        SchemaName = "perf_monitoring_shop_00000001", Database = "shop", DatabaseOid = 16384, SystemIdentifier = 77,
        HostName = "db1", Port = 5432, Addresses = ["db1:5432", "10.0.0.1:5432"], ServerStartedAt = Monday, Timeline = 1,
        SeenAt = Monday, RegisteredAt = Monday,
    };

    // Host, start of the server, recovery, timeline; whether it is the entry; the note.
    public static TheoryData<string, int, bool, int?, bool, string?> Servers => new()
    {
        { "db1", 0, false, 1, true, null },
        { "DB1", 1, false, 1, true, null },
        { "10.0.0.1", 1, false, 1, true, null },
        { "alias", 0, false, 1, true, null },
        { "db1", 1, false, 2, true, null },
        { "standby", 1, true, null, true, null },
        { "db2", 1, false, 2, true, "after a failover: its timeline went from 1 to 2" },
        { "db2", 1, false, 1, false, "taken for a copy" },
        { "db2", 1, false, null, false, "taken for a copy" },
    };

    [Theory]
    [MemberData(nameof(Servers))]
    public void A_server_is_the_one_that_was_seen_or_a_copy(
        string host, int daysLater, bool isInRecovery, int? timeline, bool isSame, string? note)
    {
        var match = StoreEntryMatch.Of(
            Shop with { HostName = host }, new(Monday.AddDays(daysLater), isInRecovery, timeline), [Known]);

        Assert.Equal(isSame ? Known : null, match.Entry);
        Assert.Equal(1, match.Copy);
        Assert.Equal(note is null, match.Note is null);
        Assert.Contains(note ?? "", match.Note ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void The_user_decides_what_cannot_be_seen()
    {
        var moved = Shop with { HostName = "db2" };
        var instance = new ServerInstance(Tuesday, false, 1);

        Assert.Equal(Known, StoreEntryMatch.Of(moved, instance, [Known], StoreEntryIdentity.Same).Entry);
        Assert.Null(StoreEntryMatch.Of(moved, instance with { Timeline = 2 }, [Known], StoreEntryIdentity.Copy).Entry);
        // pg_upgrade gives another system identifier.
        var upgraded = Shop with { SystemIdentifier = 78, DatabaseOid = 5 };
        var named = Known with { DatabaseOid = null };
        Assert.Null(StoreEntryMatch.Of(upgraded, instance, [named]).Entry);
        Assert.Equal(named, StoreEntryMatch.Of(upgraded, instance, [named], StoreEntryIdentity.Same).Entry);
    }

    [Fact]
    public void A_registered_copy_is_found_again_and_the_original_too()
    {
        var copy = Known with
        {
            SchemaName = "perf_monitoring_shop_00000002", Copy = 1, HostName = "db2", Addresses = ["db2:5432"],
            ServerStartedAt = Tuesday, SeenAt = Tuesday,
        };
        StoreEntry[] both = [Known, copy];

        Assert.Equal(copy, StoreEntryMatch.Of(Shop with { HostName = "db2" }, new(Tuesday.AddDays(9), false, 1), both).Entry);
        Assert.Equal(Known, StoreEntryMatch.Of(Shop, new(Tuesday.AddDays(9), false, 1), both).Entry);
        Assert.Equal(2, StoreEntryMatch.Of(Shop with { HostName = "db3" }, new(Tuesday.AddDays(9), false, 1), both).Copy);
    }

    [Fact]
    public void Without_the_system_identifier_the_address_is_the_identity()
    {
        var hidden = Shop with { SystemIdentifier = null };
        var instance = new ServerInstance(Tuesday, false, 1);
        var byAddress = Known with { SystemIdentifier = null };

        Assert.Equal(Known, StoreEntryMatch.Of(hidden, instance, [Known]).Entry);
        Assert.Null(StoreEntryMatch.Of(hidden with { HostName = "db2" }, instance, [Known]).Entry);
        // A role that may read it completes the entry.
        Assert.Equal(byAddress, StoreEntryMatch.Of(Shop, instance, [byAddress]).Entry);
    }

    [Fact]
    public void Another_database_is_another_entry()
    {
        var instance = new ServerInstance(Monday, false, 1);

        Assert.Null(StoreEntryMatch.Of(Shop with { DatabaseOid = 16385, Database = "blog" }, instance, [Known]).Entry);
        Assert.Null(StoreEntryMatch.Of(Shop with { SystemIdentifier = 78, HostName = "db2" }, instance, [Known]).Entry);
        // A database that was dropped and made again under its name is a different one.
        Assert.Null(StoreEntryMatch.Of(Shop with { DatabaseOid = 16999 }, instance, [Known]).Entry);
        // A renamed one is the same.
        Assert.Equal(Known, StoreEntryMatch.Of(Shop with { Database = "renamed" }, instance, [Known]).Entry);
    }

    [Theory]
    [InlineData("shop", "^perf_monitoring_shop_[0-9a-f]{8}$")]
    [InlineData("Web \"App\"; drop", "^perf_monitoring_web__app___drop_[0-9a-f]{8}$")]
    [InlineData("größe", "^perf_monitoring_gr__e_[0-9a-f]{8}$")]
    [InlineData("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk", "^perf_monitoring_[a-z]{38}_[0-9a-f]{8}$")]
    public void A_schema_needs_no_quotes_and_has_at_most_63_bytes(string database, string expected)
    {
        var name = StoreSchema.NameOf(Shop with { Database = database });

        Assert.Matches(expected, name);
        Assert.InRange(name.Length, 1, 63);
        Assert.True(StoreSchema.IsStore(name));
        Assert.NotEqual(name, StoreSchema.NameOf(Shop with { Database = database, DatabaseOid = 1 }));
        Assert.NotEqual(name, StoreSchema.NameOf(Shop with { Database = database }, copy: 1));
        Assert.Equal(name, StoreSchema.NameOf(Shop with { Database = database, HostName = "other" }));
    }
}

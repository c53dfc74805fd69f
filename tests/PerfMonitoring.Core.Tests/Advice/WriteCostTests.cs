using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

public sealed class WriteCostTests
{
    private static readonly RelationName Table = new("public", "t");

    [Theory]
    [InlineData("update t set a = 1 where b = 2", "a")]
    [InlineData(
        "UPDATE only s.t AS x SET A = x.b + 1, \"B c\" = (select max(d) from u where e = 3), f = $1 FROM v WHERE g = h",
        "a,B c,f")]
    [InlineData("update t set (a, b) = (select c, d from u), e = f(g, h) returning i", "a,b,e")]
    [InlineData("insert into t select 1", null)]
    [InlineData("with x as (select 1) update t set a = 1", null)]
    public void An_update_tells_its_columns(string sql, string? expected) =>
        Assert.Equal(expected?.Split(','), UpdatedColumns.Of(sql)?.ToArray());

    [Theory]
    // An insert adds an entry to every index, a delete to none.
    [InlineData("a", "Insert", "", 3)]
    [InlineData("a", "Delete", "", 0)]
    // An update reaches no index if none contains one of its columns, and all indexes if one does. The first index with such a
    // column causes the cost of all three.
    [InlineData("a", "Update", "b", 0)]
    [InlineData("a", "Update", "a", 9)]
    [InlineData("c", "Update", "c,id", 3)]
    [InlineData("a", "Update", "id", 3)]
    [InlineData("lower(a)", "Update", "a", 9)]
    [InlineData("lower(ab)", "Update", "a", 0)]
    // Unknown columns may be any columns.
    [InlineData("a", "Update", null, 3)]
    public void A_write_adds_entries(string key, string operation, string? columns, double expected)
    {
        var write = new TableWrite(Table, operation, 3, columns?.Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet());

        Assert.Equal(expected, WriteCost.Entries(Index(key), write, [Index("id"), Index("other")]));
    }

    [Theory]
    // Updates are HOT as long as the page has free space: one in four was not.
    [InlineData("b", 0.75, 0.75)]
    [InlineData("a", 0.75, 7.5)]
    public void Pages_without_room_are_counted(string columns, double hotShare, double expected) =>
        Assert.Equal(
            expected,
            WriteCost.Entries(
                Index("a"), new TableWrite(Table, "Update", 3, columns.Split(',').ToHashSet()), [Index("id"), Index("other")],
                hotShare));

    // Own writes: operation=rows[:columns]. Counted: inserts, updates, HOT updates, deletes in 10 hours, rows. Expected: entries
    // and dead entries of an index on a, beside one on id.
    [Theory]
    [InlineData("Insert=100", null, null, 100, 0)]
    // Without a duration the workload is independent of the counters. With one the counters count for that time, and writes that
    // both contain count once.
    [InlineData("Insert=100", "1000 0 0 0", null, 100, 0)]
    [InlineData("Insert=100", "1000 0 0 0", 10, 1000, 0)]
    [InlineData("Insert=100", "1000 0 0 0", 5, 500, 0)]
    [InlineData("Insert=100", "1000 0 0 0", 99, 1000, 0)]
    [InlineData("Insert=100", "60 0 0 0", 10, 100, 0)]
    // The first load of a table does not belong to the workload.
    [InlineData("", "1000 0 0 0 1000", 10, 0, 0)]
    [InlineData("", "1000 0 0 300 700", 10, 300, 300)]
    [InlineData("", "1000 0 0 0 2000", 10, 1000, 0)]
    // An INSERT of 900 rows each into a table of 1,000 is its load, unless the counters tell of others.
    [InlineData("Insert=9000", "1000 0 0 0 1000", 10, 0, 0)]
    [InlineData("Insert=9000", "9000 0 0 8000 1000", 10, 9000, 8000)]
    [InlineData("Insert=9000", null, null, 9000, 0)]
    [InlineData("", "0 0 0 200", 10, 0, 200)]
    [InlineData("Delete=300", "0 0 0 200", 10, 0, 300)]
    // Updates by others: those that were not HOT add an entry.
    [InlineData("", "0 100 100 0", 10, 0, 0)]
    [InlineData("", "0 100 60 0", 10, 40, 40)]
    // Own updates of column a are not HOT, so the index on id gets entries too; own updates of id were never HOT.
    [InlineData("Update=100:a", "0 100 100 0", 10, 200, 200)]
    [InlineData("Update=100:id", "0 100 0 0", 10, 100, 100)]
    [InlineData("Update=50:id Update=50:b", "0 100 50 0", 10, 50, 50)]
    public void A_load_is_added_up_once(string own, string? counted, int? hours, double entries, double dead)
    {
        var writes = own.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Split('=', ':'))
            .Select(w =>
                (new TableWrite(
                    Table, w[0], double.Parse(w[1], CultureInfo.InvariantCulture) / 10,
                    w.Length > 2 ? new HashSet<string> { w[2] } : null), 10.0));
        var c = counted?.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        var load = new WriteLoad(
            writes, c is null
                ? [] : [new TableActivity(
                    Table, c[0], c[1], c[2], c[3], c.Length > 4 ? c[4] : 1_000_000, TimeSpan.FromHours(10))],
                hours is { } h ? TimeSpan.FromHours(h) : null);

        var expected = (entries * WriteCost.OfEntry(1000)) + (dead * WriteCost.OfDeadEntry);
        Assert.Equal(expected, load.CostOf(Index("a"), 1000, [Index("id")]), 6);
        Assert.Equal(expected / 4, load.CostOf(Index("a"), 1000, [Index("id")], 0.25), 6);
    }

    [Theory]
    [InlineData("customer_id", true)]
    [InlineData("customer_id,id", true)]
    [InlineData("id,customer_id", false)]
    [InlineData("lower(customer_id)", false)]
    public void A_foreign_key_is_served_by_what_begins_with_it(string keys, bool expected)
    {
        var need = ForeignKeyNeed.Judge(
            new ForeignKey
            {
                Name = "t_customer_id_fkey",
                Table = Table,
                Columns = ["customer_id"],
                ReferencedTable = new RelationName("public", "customers"),
                ReferencedColumns = ["id"],
            },
            new TableInfo { Oid = 1, Name = Table, Rows = 1_000_000, Pages = 10_000 }, 1200, 0);

        Assert.Equal(expected, need.IsServedBy(Index("x") with { Keys = [.. keys.Split(',').Select(k => Index(k).Keys[0])] }));
        Assert.Equal(
            "Foreign key t_customer_id_fkey has no index: for each row that is deleted from public.customers (1,200 in the "
                + "workload's time), the whole of public.t is read.", need.Reason);
        // Pages, and rows with one comparison each; less a descent and one page.
        Assert.Equal(1200 * (10_000 + (1_000_000 * 0.0125) - WriteCost.OfDescent(1_000_000) - 4), need.Gain, 3);
    }

    [Fact]
    public void An_entry_costs_a_page_and_a_descent() =>
        Assert.Equal(1 + (20 * 0.0025) + (3 * 0.125), WriteCost.OfEntry(1_000_000), 6);

    private static IndexDefinition Index(string key) => new()
    {
        Table = Table,
        Name = "i",
        Keys = [key.Contains('(', StringComparison.Ordinal) ? IndexKey.OnExpression(key) : IndexKey.OnColumn(key)],
    };
}

using PerfMonitoring.Indexes;
using PerfMonitoring.Queries;

namespace PerfMonitoring.Advisor;

public sealed class WriteCostTests
{
    [Theory]
    [InlineData("update t set a = 1 where b = 2", "a")]
    [InlineData("UPDATE only s.t AS x SET A = x.b + 1, \"B c\" = (select max(d) from u where e = 3), f = $1 FROM v WHERE g = h", "a,B c,f")]
    [InlineData("update t set (a, b) = (select c, d from u), e = f(g, h) returning i", "a,b,e")]
    [InlineData("insert into t select 1", null)]
    [InlineData("with x as (select 1) update t set a = 1", null)]
    public void An_update_tells_its_columns(string sql, string? expected) =>
        Assert.Equal(expected?.Split(','), UpdatedColumns.Of(sql)?.ToArray());

    [Theory]
    // An insert reaches every index, a delete none.
    [InlineData("a", "Insert", "", 3)]
    [InlineData("a", "Delete", "", 0)]
    // An update reaches the indexes that hold a column of it; the first to hold one makes all three pay.
    [InlineData("a", "Update", "b", 0)]
    [InlineData("a", "Update", "a", 9)]
    [InlineData("c", "Update", "c,id", 3)]
    [InlineData("lower(a)", "Update", "a", 9)]
    [InlineData("lower(ab)", "Update", "a", 0)]
    // Unknown columns may be any.
    [InlineData("a", "Update", null, 3)]
    public void A_write_adds_entries(string key, string operation, string? columns, double expected)
    {
        var write = new TableWrite(new RelationName("public", "t"), operation, 3, columns?.Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet());

        Assert.Equal(expected, WriteCost.Entries(Index(key), write, [Index("id"), Index("other")]));
    }

    [Fact]
    public void An_entry_costs_a_page_and_a_descent() => Assert.Equal(1 + (20 * 0.0025) + (3 * 0.125), WriteCost.OfEntry(1_000_000), 6);

    private static IndexDefinition Index(string key) => new()
    {
        Table = new RelationName("public", "t"),
        Name = "i",
        Keys = [key.Contains('(', StringComparison.Ordinal) ? IndexKey.OnExpression(key) : IndexKey.OnColumn(key)],
    };
}

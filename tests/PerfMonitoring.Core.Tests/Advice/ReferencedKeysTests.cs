using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class ReferencedKeysTests
{
    // line (l_part, l_supp, l_order: 6,000,000 rows) and partsupp (ps_part, ps_supp: unique together, 800,000 rows).
    [Theory]
    [InlineData("l.l_part=ps.ps_part l.l_supp=ps.ps_supp", "l_part l_supp 800000")]
    // Through another relation, as the planner writes it.
    [InlineData("l.l_part=p.p_part p.p_part=ps.ps_part l.l_supp=ps.ps_supp", "l_part l_supp 800000 l_part 200000")]
    [InlineData("l.l_part=p.p_part", "l_part 200000")]
    // A part of the key gives no bound, nor does a column with more values than the key's.
    [InlineData("l.l_part=ps.ps_part", "")]
    [InlineData("l.l_part=ps.ps_part l.l_order=ps.ps_supp", "")]
    public void A_join_on_a_whole_key_bounds_the_combinations(string joins, string expected)
    {
        var use = new StatementUse(
        [
            .. new[] { ("l", "line"), ("ps", "partsupp"), ("p", "part") }.Select(r => new RelationUse
            {
                Table = Name(r.Item2), Alias = r.Item1,
                Predicates = [.. joins.Split(' ').Select(j => j.Split('.', '=')).SelectMany(j => Sides(j, r.Item1))],
            }),
        ]);

        Assert.Equal(expected, Groups([], [use]));
    }

    [Fact]
    public void A_foreign_key_does_so_without_a_statement() =>
        Assert.Equal(
            "l_part l_supp 800000",
            Groups([new ForeignKey
            {
                Name = "f",
                Table = Name("line"),
                Columns = ["l_part", "l_supp"],
                ReferencedTable = Name("partsupp"),
                ReferencedColumns = ["ps_part", "ps_supp"],
                ReferencedRows = 800_000,
            }], []));

    private static IEnumerable<PlanPredicate> Sides(string[] join, string alias)
    {
        if (join[0] == alias)
        {
            yield return new PlanPredicate(PredicateKind.Join, IndexKey.OnColumn(join[1])) {
                Other = join[2], OtherColumn = join[3] };
        }
        else if (join[2] == alias)
        {
            yield return new PlanPredicate(PredicateKind.Join, IndexKey.OnColumn(join[3])) {
                Other = join[0], OtherColumn = join[1] };
        }
    }

    private static string Groups(ForeignKey[] keys, StatementUse[] uses)
    {
        var tables = new[]
        {
            Table("line", 6_000_000, ("l_part", 200_000), ("l_supp", 10_000), ("l_order", 1_500_000)),
            Table("partsupp", 800_000, ("ps_part", 200_000), ("ps_supp", 10_000)),
            Table("part", 200_000, ("p_part", 200_000)),
        }.ToDictionary(t => t.Name);
        var indexes = new[] { Key("partsupp", "ps_part", "ps_supp"), Key("part", "p_part") }.ToLookup(i => i.Definition.Table);
        return string.Join(
            ' ', ReferencedKeys.AddTo(tables, indexes, keys, uses)[Name("line")].Groups.Select(
                g => $"{string.Join(' ', g.Columns)} {g.Distinct}"));
    }

    private static TableIndex Key(string table, params string[] columns) => new()
    {
        Oid = 1,
        TableOid = 1,
        Definition = new IndexDefinition {
            Table = Name(table), Name = "k", IsUnique = true, Keys = [.. columns.Select(IndexKey.OnColumn)] },
        ServerDefinition = "",
    };

    private static RelationName Name(string table) => new("public", table);

    private static TableInfo Table(string name, double rows, params (string Name, double Distinct)[] columns) => new()
    {
        Oid = 1,
        Name = Name(name),
        Rows = rows,
        Columns = [.. columns.Select(c => new ColumnInfo { Name = c.Name, Type = "integer", Distinct = c.Distinct })],
    };
}

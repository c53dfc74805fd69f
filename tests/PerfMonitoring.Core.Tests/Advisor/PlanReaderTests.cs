using System.Text.Json;

namespace PerfMonitoring.Advisor;

public sealed class PlanReaderTests
{
    // Condition of a scan of orders o (with items i beside it) -> the predicates that are read off it for o.
    [Theory]
    [InlineData("(o.customer_id = 5)", "Equal customer_id")]
    [InlineData("(o.customer_id = $1)", "Equal customer_id")]
    [InlineData("(5 = o.customer_id)", "Equal customer_id")]
    [InlineData("(o.customer_id = i.order_id)", "Join customer_id")]
    [InlineData("(i.order_id = o.customer_id)", "Join customer_id")]
    [InlineData("(o.shipped < o.received)", "")]
    [InlineData("((o.created_at >= $1) AND (o.created_at <= $2))", "Range created_at")]
    [InlineData("('2020-01-01'::date < o.created_at)", "Range created_at")]
    [InlineData("(o.status = ANY ('{a,b}'::text[]))", "In status")]
    [InlineData("((o.status)::text = 'it''s (a) \"b\" AND c'::text)", "Equal status")]
    [InlineData("(o.deleted_at IS NULL)", "Null deleted_at")]
    [InlineData("(o.deleted_at IS NOT NULL)", "")]
    [InlineData("((o.email)::text ~~ 'abc%'::text)", "Prefix email")]
    [InlineData("((o.email)::text ~~ '%abc'::text)", "")]
    [InlineData("(o.active AND (NOT o.hidden))", "True active;False hidden")]
    [InlineData("(lower((o.email)::text) = $1)", "Equal (lower((email)::text))")]
    [InlineData("((o.doc ->> 'city'::text) = 'X'::text)", "Equal (doc ->> 'city'::text)")]
    [InlineData("((o.total + 1) > (o.paid)::numeric)", "")]
    [InlineData("(o.\"Order \"\"Id\"\"\" = '-3'::integer)", "Equal \"Order \"\"Id\"\"\"")]
    [InlineData("(o.total > $0)", "Range total")]
    [InlineData("(o.total > (SubPlan 1))", "")]
    [InlineData("((o.id)::numeric = $1)", "")]
    [InlineData("(o.status <> 'x'::text)", "")]
    public void Conditions_become_predicates(string condition, string expected)
    {
        var use = Orders($$"""{ "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Filter": {{JsonSerializer.Serialize(condition)}} {{Cost}} }""");

        Assert.Equal(expected, string.Join(';', use.Predicates.Select(p => $"{p.Kind} {p.Key}")));
    }

    [Fact]
    public void Branches_of_an_or_are_kept_apart()
    {
        var use = Orders("""{ "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Filter": "(((o.a = 1) AND (o.b > 2)) OR (o.c = 3))" """ + Cost + "}");

        Assert.Empty(use.Predicates);
        Assert.Equal(["a b", "c"], use.Alternatives.Select(a => string.Join(' ', a.Select(p => p.Key))));
    }

    [Theory]
    [InlineData("""["o.created_at DESC", "o.id"]""", "created_at DESC, id")]
    [InlineData("""["o.created_at DESC NULLS LAST"]""", "created_at DESC NULLS LAST")]
    [InlineData("""["lower((o.email)::text)", "i.id"]""", "(lower((email)::text))")]
    [InlineData("""["(count(*)) DESC", "o.id"]""", "")]
    [InlineData("""["i.id", "o.id"]""", "")]
    public void Sort_keys_become_orders(string keys, string expected)
    {
        var use = Orders($$"""
            { "Node Type": "Sort", "Sort Key": {{keys}} {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o" {{Cost}} } ] }
            """);

        Assert.Equal(expected, string.Join(" | ", use.Orders.Select(o => string.Join(", ", o))));
    }

    [Fact]
    public void Columns_are_those_that_somebody_reads()
    {
        var plan = PlanNode.Parse($$"""
            [ { "Plan": { "Node Type": "Aggregate", "Output": ["sum((o.total * i.quantity))", "max(o.created_at)"], "Group Key": ["o.region"] {{Cost}}, "Plans": [
                { "Node Type": "Hash Join", "Hash Cond": "(o.id = i.order_id)", "Output": ["o.total", "o.created_at", "o.region", "i.quantity"] {{Cost}}, "Plans": [
                    { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Output": ["o.id", "o.total", "o.note", "o.created_at", "o.region"] {{Cost}} },
                    { "Node Type": "Seq Scan", "Relation Name": "items", "Schema": "public", "Alias": "i", "Output": ["i.id", "i.order_id", "i.quantity"] {{Cost}} } ] } ] } } ]
            """);

        var uses = PlanReader.Read(plan).Relations.ToDictionary(r => r.Alias);

        Assert.Equal(["created_at", "id", "region", "total"], uses["o"].Columns!.Order(StringComparer.Ordinal));
        Assert.Equal(["order_id", "quantity"], uses["i"].Columns!.Order(StringComparer.Ordinal));
        Assert.Equal("region", Assert.Single(Assert.Single(uses["o"].Groups)).ToString());
        Assert.Contains(uses["o"].Orders, o => o[0].Column == "created_at");
    }

    [Fact]
    public void Names_without_alias_belong_to_the_only_relation_and_an_update_reads_whole_rows()
    {
        var plan = PlanNode.Parse($$"""
            [ { "Plan": { "Node Type": "ModifyTable", "Relation Name": "orders", "Schema": "public", "Alias": "orders" {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "orders", "Output": ["(total + 1)", "ctid"], "Filter": "(orders.id = 3)" {{Cost}} } ] } } ]
            """);

        var use = Assert.Single(PlanReader.Read(plan).Relations);

        Assert.Null(use.Columns);
        Assert.Equal("id", Assert.Single(use.Predicates).Key.Column);
    }

    private const string Cost = """, "Total Cost": 1.0, "Plan Rows": 1 """;

    // The use of orders o in a plan that has items i too.
    private static RelationUse Orders(string node) => PlanReader.Read(PlanNode.Parse($$"""
        [ { "Plan": { "Node Type": "Nested Loop" {{Cost}}, "Plans": [ {{node}},
            { "Node Type": "Seq Scan", "Relation Name": "items", "Schema": "public", "Alias": "i" {{Cost}} } ] } } ]
        """)).Relations.Single(r => r.Alias == "o");
}

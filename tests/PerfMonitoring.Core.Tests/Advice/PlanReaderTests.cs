using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class PlanReaderTests
{
    // What the catalog says of the casts of some columns: varchar, citext, a domain over int, cidr.
    private static readonly Dictionary<RelationName, TableInfo> Tables = new()
    {
        [new RelationName("public", "orders")] = new TableInfo
        {
            Oid = 1,
            Name = new RelationName("public", "orders"),
            Columns =
            [
                .. new[] { "status", "email" }.Select(
                    name => new ColumnInfo { Name = name, Type = "varchar(9)", Labels = ["character varying", "text"] }),
                new ColumnInfo { Name = "nick", Type = "public.citext", Labels = ["public.citext"] },
                new ColumnInfo { Name = "amount", Type = "public.money_amount", Labels = ["numeric", "numeric(10,2)"] },
                new ColumnInfo { Name = "net", Type = "cidr", Labels = ["inet"] },
                new ColumnInfo { Name = "labels", Type = "public.label_list", Labels = ["text[]"] },
            ],
        },
    };

    // Condition of a scan of orders o (with items i beside it) -> the predicates for o that it contains.
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
    [InlineData("(o.deleted_at IS NOT NULL)", "NotNull deleted_at")]
    [InlineData("((o.email)::text ~~ 'abc%'::text)", "Prefix email")]
    [InlineData("((o.email)::text ~~ '%abc'::text)", "Operator email ~~")]
    [InlineData("((o.email)::text ~~* 'abc%'::text)", "Operator email ~~*")]
    [InlineData("((o.email)::text ~~ $1)", "Prefix email")]
    [InlineData("((o.email)::text ~~ ($1 || '%'::text))", "Prefix email")]
    [InlineData("((o.email)::text ~~ ('%'::text || $1))", "Operator email ~~")]
    [InlineData("((o.email)::text ~~* $1)", "Operator email ~~*")]
    [InlineData("(o.email ~ '^abc'::text)", "Prefix email")]
    [InlineData("(o.email ~ '^ab*'::text)", "Operator email ~")]
    [InlineData("(o.email ~ '^abc|x'::text)", "Operator email ~")]
    [InlineData("(o.email ^@ 'abc'::text)", "Prefix email")]
    [InlineData("(o.email !~~ 'abc%'::text)", "")]
    [InlineData("(o.active AND (NOT o.hidden))", "True active;False hidden")]
    [InlineData("((o.active IS TRUE) AND (o.hidden IS FALSE))", "True active;False hidden")]
    [InlineData("(o.active IS NOT TRUE)", "Test active")]
    [InlineData("((o.active IS UNKNOWN) AND (o.hidden IS NOT FALSE))", "Test active;Test hidden")]
    [InlineData("((o.amount)::numeric = 5)", "Equal amount")]
    [InlineData("((o.amount)::numeric(10,2) = ANY ($1))", "In amount")]
    [InlineData("((o.amount)::integer = 5)", "")]
    [InlineData("((o.amount)::text = '5'::text)", "Equal ((amount)::text)")]
    [InlineData("((o.net)::inet << '10.0.0.0/8'::inet)", "Operator net <<")]
    [InlineData("((o.nick)::citext = 'x'::citext)", "Equal nick")]
    [InlineData("((o.nick)::text ~~* '%abc%'::text)", "Operator ((nick)::text) ~~*")]
    [InlineData("((o.labels)::text[] @> '{a}'::text[])", "Operator labels @>")]
    [InlineData("((o.amount)::numeric > (i.amount)::numeric)", "Range amount")]
    [InlineData("starts_with((o.email)::text, $1)", "Prefix email")]
    [InlineData("(NOT starts_with((o.email)::text, $1))", "")]
    [InlineData("(ROW((o.amount)::numeric, o.id) > ROW(1, 2))", "Range amount")]
    [InlineData("((to_tsvector('simple'::regconfig, o.a) || to_tsvector('simple'::regconfig, o.b)) @@ $1)",
        "Operator (to_tsvector('simple'::regconfig, a) || to_tsvector('simple'::regconfig, b)) @@")]
    [InlineData("(ROW(o.created_at, o.id) < ROW($1, $2))", "Range created_at")]
    [InlineData("(ROW(o.created_at, i.id) < ROW($1, $2))", "")]
    [InlineData("(o.doc @> '{\"a\": 1}'::jsonb)", "Operator doc @>")]
    [InlineData("('{\"a\": 1}'::jsonb <@ o.doc)", "Operator doc @>")]
    [InlineData("((o.doc ? 'k'::text) AND (o.doc @? '$.\"a\"'::jsonpath))", "Operator doc ?;Operator doc @?")]
    [InlineData("(o.tags && '{a,b}'::text[])", "Operator tags &&")]
    [InlineData("('x'::text = ANY (o.tags))", "")]
    [InlineData("(to_tsvector('english'::regconfig, o.note) @@ $1)", "Operator (to_tsvector('english'::regconfig, note)) @@")]
    [InlineData("(o.during @> $1)", "Operator during @>")]
    [InlineData("($1 <@ o.during)", "Operator during @>")]
    [InlineData("(COALESCE(o.total, 0) = 5)", "Equal (COALESCE(total, 0))")]
    [InlineData("((o.created_at)::date = '2024-01-05'::date)", "Equal ((created_at)::date)")]
    [InlineData("((o.created_at)::date = CURRENT_DATE)", "Equal ((created_at)::date)")]
    [InlineData("((now() - o.created_at) > '1 day'::interval)", "")]
    [InlineData("((((o.doc -> 'a'::text) ->> 'b'::text))::integer = 5)", "Equal ((((doc -> 'a'::text) ->> 'b'::text))::integer)")]
    [InlineData("(o.status <> ALL ('{a,b}'::text[]))", "Unequal status")]
    [InlineData("(o.total > (InitPlan 1).col1)", "Range total")]
    [InlineData("(lower((o.email)::text) = $1)", "Equal (lower((email)::text))")]
    [InlineData("((o.doc ->> 'city'::text) = 'X'::text)", "Equal (doc ->> 'city'::text)")]
    [InlineData("((o.total + 1) > (o.paid)::numeric)", "")]
    [InlineData("(o.\"Order \"\"Id\"\"\" = '-3'::integer)", "Equal \"Order \"\"Id\"\"\"")]
    [InlineData("(o.total > $0)", "Range total")]
    [InlineData("(o.total > (SubPlan 1))", "")]
    [InlineData("((o.id)::numeric = $1)", "")]
    [InlineData("(o.status <> 'x'::text)", "Unequal status")]
    [InlineData("(o.status <> i.status)", "")]
    public void Conditions_become_predicates(string condition, string expected)
    {
        var use = Orders(
            $$"""{ "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Filter": {{JsonSerializer.Serialize(condition)}} {{Cost}} }""");

        Assert.Equal(
            expected,
            string.Join(
            ';', use.Predicates.Select(p => $"{p.Kind} {p.Key}" + (p.Kind == PredicateKind.Operator ? " " + p.Operator : ""))));
    }

    // Condition, text of the statement, values of its parameters -> the allowed predicate of a partial index.
    [Theory]
    [InlineData("(o.status = 'open'::text)", "select 1 from orders where status = 'open'", "", "status = 'open'::text")]
    [InlineData(
        "((o.status)::text = 'open'::text)", "select 1 from orders where status = 'open'", "", "(status)::text = 'open'::text")]
    [InlineData("(o.status = 'open'::text)", "select 1 from orders where status = $1", "", "")]
    [InlineData("(o.status = 'open'::text)", "select 1 from orders where status = $1 and note <> 'open'", "'open'", "")]
    [InlineData(
        "(o.status = ANY ('{a,b}'::text[]))", "select 1 from orders where status in ('a', 'b')", "",
        "status = ANY ('{a,b}'::text[])")]
    [InlineData("(o.status = ANY ('{a,b}'::text[]))", "select 1 from orders where status in ('a', $1)", "", "")]
    [InlineData("(o.kind = 3)", "select 1 from orders where kind = 3", "", "kind = 3")]
    [InlineData("(o.kind = '-3'::integer)", "select 1 from orders where kind = -3", "", "kind = '-3'::integer")]
    [InlineData("(o.kind = 3)", "select 1 from orders where kind = $1 limit 3", "3", "")]
    [InlineData("(o.kind <> 3)", "select 1 from orders where kind <> 3", "", "kind <> 3")]
    [InlineData("(o.kind > 3)", "select 1 from orders where kind > 3", "", "")]
    [InlineData("(o.kind = i.kind)", "select 1 from orders, items", "", "")]
    [InlineData("(o.status = 'it''s'::text)", "select 1 from orders where status = 'it''s'", "", "status = 'it''s'::text")]
    [InlineData("(o.deleted_at IS NULL)", "select 1", "", "deleted_at IS NULL")]
    [InlineData("(o.deleted_at IS NOT NULL)", "select 1", "", "deleted_at IS NOT NULL")]
    [InlineData("(NOT o.hidden)", "select 1", "", "NOT hidden")]
    [InlineData("(o.active IS TRUE)", "select 1", "", "active IS TRUE")]
    [InlineData("(o.active IS NOT TRUE)", "select 1", "", "active IS NOT TRUE")]
    [InlineData("(o.active IS DISTINCT FROM true)", "select 1", "", "active IS DISTINCT FROM true")]
    [InlineData("(o.kind IS DISTINCT FROM 3)", "select 1 where kind is distinct from 3", "", "kind IS DISTINCT FROM 3")]
    [InlineData("(o.kind IS DISTINCT FROM 3)", "select 1 where kind is distinct from $1", "3", "")]
    [InlineData(
        "(NOT (o.kind IS DISTINCT FROM 3))", "select 1 where kind is not distinct from 3", "", "NOT (kind IS DISTINCT FROM 3)")]
    public void Constants_of_the_text_make_conditions_and_parameters_do_not(
        string condition, string text, string arguments, string expected)
    {
        var plan = PlanNode.Parse(
            Plan($$"""{ "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Filter": {{JsonSerializer.Serialize(condition)}} {{Cost}} }"""));

        var use = PlanReader.Read(plan, text, arguments.Length > 0 ? [arguments] : null, Tables).Relations
            .Single(r => r.Alias == "o");

        Assert.Equal(expected, use.Predicates.SingleOrDefault()?.Condition ?? "");
    }

    [Theory]
    [InlineData("Limit", true)]
    [InlineData("Unique", false)]
    public void A_limit_above_may_end_a_scan_early(string node, bool expected)
    {
        var plan = PlanNode.Parse($$"""
            [ { "Plan": { "Node Type": "{{node}}" {{Cost}}, "Plans": [ { "Node Type": "Sort", "Sort Key": ["o.created_at"] {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o" {{Cost}} } ] } ] } } ]
            """);

        Assert.Equal(expected, Assert.Single(PlanReader.Read(plan).Relations).MayStopEarly);
    }

    [Fact]
    public void The_nearest_are_wanted_by_place_and_not_by_an_order_of_distances()
    {
        var use = Orders($$"""
            { "Node Type": "Sort", "Sort Key": ["((o.place <-> '(1,2)'::point))"] {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o" {{Cost}} } ] }
            """);

        Assert.Empty(use.Orders);
        Assert.Equal((PredicateKind.Nearest, "place"), (use.Predicates.Single().Kind, use.Predicates.Single().Key.Column));
    }

    [Fact]
    public void Columns_of_a_plan_of_one_relation_have_no_alias()
    {
        var plan = PlanNode.Parse($$"""
            [ { "Plan": { "Node Type": "Aggregate",
                "Output": ["sum((total * ('1'::double precision - paid)))", "count(*) FILTER (WHERE active)", "EXTRACT(year FROM created_at)", "(note COLLATE \"C\")", "\"Order Id\""] {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "orders", "Filter": "(orders.id = 3)" {{Cost}} } ] } } ]
            """);

        Assert.Equal(
            ["Order Id", "active", "created_at", "id", "note", "paid", "total"],
            Assert.Single(PlanReader.Read(plan).Relations).Columns!.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", "created_at")]
    [InlineData("\"Group Key\": [\"o.region\"],", "")]
    public void An_extreme_value_is_an_end_of_an_order_and_those_of_groups_are_not(string group, string expected)
    {
        var use = Orders($$"""
            { "Node Type": "Aggregate", {{group}} "Output": ["max(o.created_at)"] {{Cost}}, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o" {{Cost}} } ] }
            """);

        Assert.Equal(expected, string.Join(" | ", use.Orders.Select(o => string.Join(", ", o))));
        Assert.Equal(expected.Length > 0, use.MayStopEarly);
    }

    [Fact]
    public void Branches_of_an_or_are_kept_apart()
    {
        var use = Orders(
            """{ "Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Alias": "o", "Filter": "(((o.a = 1) AND (o.b > 2)) OR (o.c = 3))" """ + Cost + "}");

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

    private const string Cost = """, "Startup Cost": 0.0, "Total Cost": 1.0, "Plan Rows": 1 """;

    // The use of orders o in a plan that also reads items i.
    private static RelationUse Orders(string node) =>
        PlanReader.Read(PlanNode.Parse(Plan(node)), tables: Tables).Relations.Single(r => r.Alias == "o");

    private static string Plan(string node) => $$"""
        [ { "Plan": { "Node Type": "Nested Loop" {{Cost}}, "Plans": [ {{node}},
            { "Node Type": "Seq Scan", "Relation Name": "items", "Schema": "public", "Alias": "i" {{Cost}} } ] } } ]
        """;
}

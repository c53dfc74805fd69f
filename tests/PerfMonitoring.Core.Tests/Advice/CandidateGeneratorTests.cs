using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

public sealed class CandidateGeneratorTests
{
    private static readonly TableInfo Table = new()
    {
        Oid = 1,
        Name = new RelationName("public", "orders"),
        Rows = 1_000_000,
        Pages = 20_000,
        AllVisibleFraction = 1,
        Columns =
        [
            new ColumnInfo { Name = "id", Type = "bigint", TypeLength = 8, Distinct = -1 },
            new ColumnInfo { Name = "customer_id", Type = "integer", TypeLength = 4, Distinct = 50_000 },
            new ColumnInfo {
                Name = "status", Type = "character varying(10)", MaximumWidth = 44, Distinct = 4, AverageWidth = 6,
                IsCollationC = false },
            new ColumnInfo { Name = "created_at", Type = "timestamp with time zone", TypeLength = 8, Distinct = -0.9 },
            new ColumnInfo { Name = "email", Type = "text", AverageWidth = 20, Distinct = -0.5, IsCollationC = false },
            new ColumnInfo { Name = "code", Type = "text", AverageWidth = 8, Distinct = -0.5, IsCollationC = true },
            new ColumnInfo { Name = "deleted_at", Type = "date", TypeLength = 4, Distinct = 100, NullFraction = 0.2 },
            new ColumnInfo {
                Name = "total", Type = "numeric(10,2)", MaximumWidth = 16, AverageWidth = 6, Distinct = -0.2,
                CanDeduplicate = false, IsPackable = true },
            new ColumnInfo { Name = "doc", Type = "json", HasBtree = false },
        ],
    };

    // The rows of a customer that are not deleted.
    private static readonly RelationUse OfCustomer = new()
    {
        Table = Table.Name,
        Alias = "o",
        Predicates = [
            .. Parse("Equal customer_id"),
            new PlanPredicate(PredicateKind.Null, IndexKey.OnColumn("deleted_at")) { Condition = "deleted_at IS NULL" }],
    };

    // Predicates -> keys of the plain candidates; parts of a predicate: kind, column.
    [Theory]
    [InlineData("Equal customer_id", "customer_id")]
    [InlineData("Range created_at,Equal customer_id", "customer_id|customer_id, created_at|created_at")]
    [InlineData("Equal status,Equal customer_id", "customer_id|customer_id, status")]
    [InlineData("Join customer_id,Equal status", "status|customer_id|customer_id, status|status, customer_id")]
    [InlineData("Prefix email", "email text_pattern_ops")]
    [InlineData("Prefix code", "code")]
    [InlineData("Equal doc", "")]
    public void Keys_stand_in_the_order_of_equality_range_sort(string predicates, string expected)
    {
        var use = new RelationUse { Table = Table.Name, Alias = "o", Predicates = Parse(predicates) };

        var plain = CandidateGenerator.Generate(use, Table)
            .Where(c => c.Definition.Where is null && c.Definition.Include.Count == 0);

        Assert.Equal(
            expected.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            plain.Select(Keys).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_order_follows_equality_and_one_that_descends_throughout_is_the_ascending_index()
    {
        var use = new RelationUse
        {
            Table = Table.Name,
            Alias = "o",
            Predicates = Parse("Equal customer_id"),
            Orders = [
                [new IndexKey { Column = "created_at", Descending = true }, new IndexKey { Column = "id", Descending = true }]],
            MayStopEarly = true,
        };

        var keys = CandidateGenerator.Generate(use, Table).Select(Keys).ToList();

        Assert.Contains("customer_id, created_at, id", keys);
        Assert.DoesNotContain("created_at, id", keys);
        // Nulls are not one value to the planner, so the order does not continue after them.
        keys = [.. CandidateGenerator.Generate(use with { Predicates = Parse("Equal customer_id,Null deleted_at") }, Table)
            .Where(c => c.Definition.Where is null).Select(Keys)];
        Assert.Contains(keys, k => k.StartsWith("customer_id, created_at, id", StringComparison.Ordinal));
        keys = [.. CandidateGenerator.Generate(use with { Predicates = [] }, Table).Select(Keys)];
        Assert.Contains("created_at, id", keys);
    }

    [Fact]
    public void The_columns_that_are_read_are_included_or_further_keys_where_those_can_be_merged_and_whole_rows_are_not()
    {
        var use = new RelationUse {
            Table = Table.Name, Alias = "o", Predicates = Parse("Equal customer_id"),
            Columns = new HashSet<string> { "customer_id", "total" } };

        Assert.Contains(
            CandidateGenerator.Generate(use, Table), c => Keys(c) == "customer_id" && c.Definition.Include is ["total"]);
        Assert.Contains(
            CandidateGenerator.Generate(use with { Columns = new HashSet<string> { "customer_id", "status" } }, Table),
            c => Keys(c) == "customer_id, status" && c.Definition.Include.Count == 0);
        Assert.DoesNotContain(
            CandidateGenerator.Generate(use with { Columns = null }, Table), c => c.Definition.Include.Count > 0);
        // A text may become too long later.
        Assert.DoesNotContain(
            CandidateGenerator.Generate(use with { Columns = new HashSet<string> { "customer_id", "email" } }, Table), c =>
                c.Definition.ToAnonymousStatement().Contains("email", StringComparison.Ordinal));
    }

    // The last row of each customer. An index that avoids the sort of all rows may be nearly as large as the table; an index that
    // avoids nothing else may not.
    [Theory]
    [InlineData(1_000_000, false, true)]
    [InlineData(1_000_000, true, false)]
    [InlineData(400_000, false, false)]
    public void A_sort_of_all_rows_is_worth_an_index_as_large_as_the_table(double rows, bool mayStopEarly, bool isProposed)
    {
        var use = new RelationUse
        {
            Table = Table.Name,
            Alias = "o",
            Rows = rows,
            Orders = [[IndexKey.OnColumn("customer_id"), new IndexKey { Column = "created_at", Descending = true }]],
            Columns = new HashSet<string> { "customer_id", "created_at", "id" },
            MayStopEarly = mayStopEarly,
        };

        var found = CandidateGenerator.Generate(use, Table with { Pages = 6_000 });

        Assert.Equal(
            isProposed,
            found.Any(
            c => Keys(c) == "customer_id, created_at DESC" && c.Definition.Include is ["id"] && c.Pattern == UsagePattern.Sort));
    }

    [Fact]
    public void A_column_that_must_be_null_makes_a_partial_index()
    {
        Assert.Contains(
            CandidateGenerator.Generate(OfCustomer, Table),
            c => Keys(c) == "customer_id" && c.Definition.Where == "deleted_at IS NULL");
    }

    // Share of nulls, and of the most common state -> the first keys of the candidates. A condition that keeps most rows comes
    // after keys that find few.
    [Theory]
    [InlineData("Join customer_id,Null deleted_at", 0.97, null, "customer_id")]
    [InlineData("Equal customer_id,Null deleted_at", 0.97, null, "customer_id")]
    [InlineData("Join customer_id,Null deleted_at", 0.03, null, "customer_id|deleted_at")]
    [InlineData("Join customer_id,Equal status", 0.97, 0.9, "customer_id|status")]
    [InlineData("Join customer_id,Equal status,Range created_at", 0.97, 0.9, "created_at|customer_id|status")]
    public void A_condition_that_keeps_most_rows_does_not_lead_before_a_key(
        string predicates, double nulls, double? commonest, string expected)
    {
        var table = Table with
        {
            Columns = [.. Table.Columns.Select(c => c.Name == "deleted_at" ? c with { NullFraction = nulls, Distinct = -0.03 }
                : c.Name == "status" ? c with { CommonFrequencies = commonest is { } share ? [share] : [] } : c)],
        };
        var use = new RelationUse { Table = Table.Name, Alias = "o", Predicates = Parse(predicates), Columns = null };

        var found = CandidateGenerator.Generate(use, table)
            .Where(c => c.Definition.Where is null && c.Definition.Keys.Count > 0).ToList();

        Assert.Equal(
            expected.Split('|'), found.Select(c => c.Definition.Keys[0].Column).Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(found, c => c.Definition.Keys.Count > 1 && commonest is not null
            && c.Definition.Keys[0].Column == "status" && c.Definition.Keys[1].Column == "customer_id");
    }

    // The condition of a partial index gives its column one value: it is no key, and no further column unless something else
    // reads it, since the planner leaves the condition out.
    [Theory]
    [InlineData("deleted_at IS NULL", "customer_id [total] WHERE deleted_at IS NULL")]
    [InlineData("", "customer_id [total, deleted_at] WHERE deleted_at IS NULL")]
    public void A_partial_index_has_the_column_of_its_condition_only_where_it_is_read(string readBy, string expected)
    {
        var use = OfCustomer with
        {
            Columns = new HashSet<string> { "customer_id", "deleted_at", "total" },
            ReadOnce = readBy.Length == 0 ? new Dictionary<string, string>()
                : new Dictionary<string, string> { ["deleted_at"] = readBy },
        };

        var partial = CandidateGenerator.Generate(use, Table).Where(c => c.Definition.Where is not null).ToList();

        Assert.All(partial, c => Assert.DoesNotContain(c.Definition.Keys, k => k.Column == "deleted_at"));
        Assert.Contains(
            expected,
            partial.Select(
                c => $"{Keys(c)} [{string.Join(", ", c.Definition.Include.OrderDescending())}] WHERE {c.Definition.Where}"));
    }

    // Patterns of several columns: an index for each, and one that searches all of them.
    [Fact]
    public void Searches_of_several_columns_get_one_index_each_and_one_together()
    {
        PlanPredicate Like(string column) =>
            new(PredicateKind.Operator, IndexKey.OnColumn(column)) { Operator = "~~*", Pattern = "%abc%" };
        var use = new RelationUse {
            Table = Table.Name, Alias = "o", Disjunctions = [[[Like("email")], [Like("code")], [Like("status")]]] };

        var found = CandidateGenerator.Generate(use, Table, new CandidateContext { TrigramSchema = "pg_catalog" });

        Assert.Equal(
            ["code gin_trgm_ops", "email gin_trgm_ops", "email gin_trgm_ops, code gin_trgm_ops, status gin_trgm_ops",
                "status gin_trgm_ops"],
            found.Where(c => c.Definition.Method == "gin").Select(Keys).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_branch_of_an_or_gets_its_own()
    {
        var use = new RelationUse {
            Table = Table.Name, Alias = "o", Disjunctions = [[Parse("Equal customer_id"), Parse("Range created_at")]] };

        Assert.Equal(
            ["created_at", "customer_id"], CandidateGenerator.Generate(use, Table).Select(Keys).Order(StringComparer.Ordinal));
    }

    private static string Keys(ProposedIndex index) => string.Join(", ", index.Definition.Keys);

    private static List<PlanPredicate> Parse(string text) =>
    [
        .. text.Split(',').Select(p => p.Split(' '))
            .Select(p => new PlanPredicate(Enum.Parse<PredicateKind>(p[0]), IndexKey.OnColumn(p[1]))),
    ];
}

using PerfMonitoring.Common;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Indexes;

/// <summary>
/// A definition may come from the store or from a file. No part of it can break out of its place in the statement.
/// </summary>
public sealed class IndexDefinitionTests
{
    private static readonly IndexDefinition Plain = new() {
        Table = new RelationName("public", "t"), Name = "i", Keys = [IndexKey.OnColumn("a")] };

    public static TheoryData<string> Ends =>
        ["1); drop table t; --", "a)) ; copy (select 1) to program 'x", "a /* ", "a -- ", "a) where (true", "$$", "'", "\"", ""];

    [Theory]
    [MemberData(nameof(Ends))]
    public void Nothing_ends_the_statement(string text)
    {
        IndexDefinition[] definitions =
        [
            Plain with { Keys = [IndexKey.OnExpression(text)] },
            Plain with { Keys = [IndexKey.OnColumn("a") with { OperatorClass = text }] },
            Plain with { Keys = [IndexKey.OnColumn("a") with { Collation = text }] },
            Plain with { StorageParameters = [text] },
            Plain with { Where = text },
        ];

        Assert.All(definitions, d => Assert.All(
            new Func<string>[] {
                () => d.ToCreateStatement(concurrently: true), d.ToAnonymousStatement, d.ToParentStatement, d.ToString },
            make => Assert.Equal("InvalidExpression", Assert.Throws<PerfMonitoringException>(make).ErrorId)));
    }

    [Fact]
    public void What_the_catalog_says_can_be_said() => Assert.Equal(
        "CREATE INDEX i ON public.t USING gist ((lower(b)) COLLATE \"de-x-icu\" public.gist_trgm_ops (siglen='32')) WITH "
            + "(fillfactor='70') WHERE (c <> ';--'::text)",
        (Plain with
        {
            Method = "gist",
            Keys = [IndexKey.OnExpression("lower(b)") with {
                Collation = "\"de-x-icu\"", OperatorClass = "public.gist_trgm_ops (siglen='32')" }],
            StorageParameters = ["fillfactor='70'"],
            Where = "(c <> ';--'::text)",
        }).ToString());
}

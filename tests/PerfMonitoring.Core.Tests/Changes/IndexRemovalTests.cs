using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

public sealed class IndexRemovalTests
{
    public static TheoryData<string, Func<TableIndex, TableIndex>, bool, bool, string?> Cases => new()
    {
        { "recommended", i => i, true, false, null },
        { "not recommended", i => i, false, false, "NotRecommendedForDrop" },
        { "not recommended, forced", i => i, false, true, null },
        { "of a constraint, forced", i => i with { ConstraintName = "t_key" }, false, true, "IndexIsNeeded" },
        { "primary key, forced", i => i with { IsPrimary = true }, false, true, "IndexIsNeeded" },
        { "exclusion, forced", i => i with { IsExclusion = true }, false, true, "IndexIsNeeded" },
        { "replica identity, forced", i => i with { IsReplicaIdentity = true }, true, true, "IndexIsNeeded" },
        { "attached, forced", i => i with { ParentIndex = "parent" }, true, true, "IndexIsNeeded" },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void What_is_needed_or_not_recommended_is_refused(
        string what, Func<TableIndex, TableIndex> change, bool isRecommended, bool force, string? error)
    {
        var usage = new IndexUsageStat {
            TableName = "public.t", IndexName = "i", IsRecommendedForDrop = isRecommended, Blockers = [
                new DropBlocker(DropBlockerCode.Unique, "It is unique.")] };

        var refusal = IndexRemoval.Refuse(change(Index), usage, force);

        Assert.True(error == refusal?.ErrorId, $"{what}: {refusal?.Message}");
        Assert.True(
            error != "NotRecommendedForDrop" || refusal!.Message.EndsWith("It is unique.", StringComparison.Ordinal),
            refusal?.Message);
    }

    private static TableIndex Index => new()
    {
        Oid = 10,
        TableOid = 1,
        Definition = new IndexDefinition { Table = new RelationName("public", "t"), Name = "i", Keys = [IndexKey.OnColumn("a")] },
        ServerDefinition = "CREATE INDEX i ON public.t USING btree (a)",
        IsValid = true,
        IsReady = true,
    };
}

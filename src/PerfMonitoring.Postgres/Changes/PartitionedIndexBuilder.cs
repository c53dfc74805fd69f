using Dapper;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// Builds an index on a partitioned table, for which PostgreSQL has no concurrent build. Each leaf gets its index separately. One
/// short transaction then creates the indexes of the partitioned tables and attaches all. So no invalid index is ever visible,
/// and completed parts stay for the next run.
/// </summary>
internal sealed class PartitionedIndexBuilder(ChangeContext context, TableIndexBuilder tables)
{
    public async Task BuildAsync(BuilderGate gate, IndexBuild build, TableInfo root, CancellationToken cancellationToken)
    {
        // New partitions may appear during the build.
        for (var round = 0; round < 3; round++)
        {
            var tree = await context.Target.QueryAsync<PartitionRow>(
                Sql.Get("GetPartitionTree"), new { TableOid = (long)root.Oid }, cancellationToken);
            if (tree.FirstOrDefault(t => t.Relkind is not ("r" or "p")) is { } other)
            {
                throw new PerfMonitoringException(
                    ErrorIds.PartitionNotIndexable, FailureKind.NotSupported,
                    $"{other.Name}, a partition of {root.Name}, is a foreign table: it takes no index.",
                    "Make a strategy for each of the other partitions.", build.Strategy);
            }

            if (round == 0)
            {
                // A refusal of the server, such as a unique index without the partition key, appears here and not after hours of
                // building.
                await build.RetryAsync(token => AssembleAsync(build, tree, [], isTrial: true, token), cancellationToken);
            }

            var chosen = new Dictionary<uint, TableIndex>();
            var leaves = tree.Count(t => t.Relkind == "r");
            var number = 0;
            build.SizeBytes = 0;
            foreach (var table in tree)
            {
                await tables.WaitForOthersAsync(
                    build, table.Oid, build.Definition with { Table = table.Name }, cancellationToken);
                if (await FindPartAsync(build, table, chosen, cancellationToken) is { } existing)
                {
                    chosen[table.Oid] = existing;
                    number += table.Relkind == "r" ? 1 : 0;
                }
                else if (table.Relkind == "r")
                {
                    chosen[table.Oid] = await BuildPartAsync(
                        gate, build, table, chosen, $"partition {++number} of {leaves}, {table.Name}: ", cancellationToken);
                }

                build.SizeBytes += table.Relkind == "r" ? chosen[table.Oid].SizeBytes : 0;
            }

            build.Report("attaching the indexes of the partitions", []);
            if (await build.RetryAsync(token => AssembleAsync(build, tree, chosen, isTrial: false, token), cancellationToken))
            {
                return;
            }
        }

        throw new PerfMonitoringException(
            ErrorIds.PartitionsChanged, FailureKind.Busy,
            $"{build.QualifiedName}: partitions of {root.Name} came while their indexes were built.",
            "Run Invoke-IndexCreation again: the indexes that were built are taken over.", build.Strategy);
    }

    /// <summary>
    /// An index of a partition, or of a partitioned table in the tree, that is equivalent to the wanted one, or null.
    /// </summary>
    private async Task<TableIndex?> FindPartAsync(
        IndexBuild build, PartitionRow table, Dictionary<uint, TableIndex> chosen, CancellationToken cancellationToken)
    {
        var wanted = build.Definition with { Table = table.Name };
        var candidates = (await context.Catalog.GetIndexesAsync([table.Oid], cancellationToken))
            .Where(i =>
                !i.IsExclusion && i.Definition.IsUnique == wanted.IsUnique && i.ConstraintName is null
                && IndexEquality.CouldServe(i.Definition, wanted)
                && (table.Relkind == "p" || i is { IsValid: true, IsReady: true }))
            .ToList();
        var parents = candidates.Count == 0
            ? []
            : (await context.Target.QueryAsync<PartitionRow>(
                Sql.Get("GetIndexParents"), new { Oids = candidates.Select(c => (long)c.Oid).ToArray() },
                cancellationToken))
                .ToDictionary(p => p.Oid, p => p.ParentOid);
        foreach (var candidate in candidates)
        {
            // An index that is already attached to another index cannot be attached again.
            var isFree = !parents.TryGetValue(candidate.Oid, out var parent)
                || (table.ParentOid is { } above && chosen.TryGetValue(above, out var index) && index.Oid == parent);
            if (isFree && await context.Comparison.IsSameAsync(candidate, wanted, cancellationToken))
            {
                return candidate;
            }
        }

        return null;
    }

    private async Task<TableIndex> BuildPartAsync(
        BuilderGate gate, IndexBuild build, PartitionRow table, Dictionary<uint, TableIndex> chosen, string label,
        CancellationToken cancellationToken)
    {
        var info = await context.Catalog.GetTableAsync(table.Name, cancellationToken);
        var wanted = build.Definition with { Table = table.Name };
        var rest = (await context.Catalog.GetIndexesAsync([table.Oid], cancellationToken)).FirstOrDefault(
            i => !i.IsValid && !i.IsAttached && IndexEquality.IsWrittenAlike(i.Definition, wanted));
        wanted = wanted with {
            Name = rest?.Definition.Name ?? IndexDefinition.SuggestName(table.Name.Name, wanted.Keys, wanted.Where is not null) };
        if (rest is null)
        {
            wanted = wanted with { Name = await new IndexNames(context.Catalog, null).FindFreeAsync(wanted, cancellationToken) };
        }

        var part = build.PartOf(wanted, label);
        try
        {
            await tables.BuildAsync(gate, part, info, cancellationToken);
        }
        finally
        {
            build.Add(part);
        }

        return await FindPartAsync(build, table, chosen, cancellationToken)
            ?? throw new PerfMonitoringException(
                ErrorIds.PartitionsChanged, FailureKind.Busy,
                $"{part.QualifiedName} was built and is gone now, or it is another index.",
                "Run Invoke-IndexCreation again.", build.Strategy);
    }

    // Waits only briefly, because readers and writers of the table queue behind a wait for these locks.
    private async Task<bool> AssembleAsync(
        IndexBuild build, IReadOnlyList<PartitionRow> tree, Dictionary<uint, TableIndex> chosen, bool isTrial,
        CancellationToken cancellationToken)
    {
        try
        {
            return await context.Target.RunAsync(
                async () =>
                {
                    await using var connection = await context.Target.ConnectAsync(cancellationToken);
                    if (!isTrial)
                    {
                        await build.SetSessionAsync(connection, cancellationToken);
                    }

                    await connection.SetLimitsAsync(IndexChange.MomentaryLockTimeout, null, cancellationToken);
                    await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                    var names = chosen.ToDictionary(c => c.Key, c => c.Value.Definition);
                    var free = new IndexNames(context.Catalog, null);
                    foreach (var table in tree.Where(t => t.Relkind == "p" && !names.ContainsKey(t.Oid))
                        .Take(isTrial ? 1 : int.MaxValue))
                    {
                        var definition = build.Definition with { Table = table.Name };
                        if (table != tree[0])
                        {
                            var suggested = IndexDefinition.SuggestName(
                                table.Name.Name, definition.Keys, definition.Where is not null);
                            definition = definition with {
                                Name = await free.FindFreeAsync(definition with { Name = suggested }, cancellationToken) };
                        }
                        else if (isTrial)
                        {
                            definition = definition with { Name = await free.FindFreeAsync(definition, cancellationToken) };
                        }

                        await connection.ExecuteDdlAsync(definition.ToParentStatement(), isWatched: false, cancellationToken);
                        names[table.Oid] = definition;
                    }

                    if (isTrial)
                    {
                        return true;
                    }

                    // Starts with the leaves, so that every attached index is valid.
                    foreach (var table in tree.Skip(1).Reverse())
                    {
                        var part = names[table.Oid];
                        await connection.ExecuteDdlAsync(
                            names[table.ParentOid!.Value].ToAttachStatement(part.QualifiedName), isWatched: false,
                            cancellationToken);
                    }

                    var root = names[tree[0].Oid];
                    var made = await connection.QuerySingleAsync<RelationRow>(
                        IndexSql.Command("GetRelation", new { SchemaName = root.Table.Schema, root.Name }, cancellationToken));
                    if (made.IsValid != true)
                    {
                        return false;
                    }

                    if (build.ActionId is { } id)
                    {
                        await connection.MarkAsync(root.QualifiedName, id, cancellationToken);
                    }

                    await transaction.CommitAsync(cancellationToken);
                    build.IndexName = root.Name;
                    return true;
                },
                cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            throw build.Explain(e);
        }
    }

    private sealed class PartitionRow
    {
        public uint Oid { get; init; }
        public uint? ParentOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string Relkind { get; init; } = "";
        public RelationName Name => new(SchemaName, TableName);
    }
}

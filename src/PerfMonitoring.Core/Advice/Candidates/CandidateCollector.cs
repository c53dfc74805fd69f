using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Collects the candidates of a workload into the pool.</summary>
/// <param name="catalog">Finds tables, and resolves names in definitions.</param>
/// <param name="tables">The tables that get advice.</param>
/// <param name="pool">Receives the candidates.</param>
internal sealed class CandidateCollector(
    ICatalogRepository catalog, IReadOnlyDictionary<RelationName, TableInfo> tables, CandidatePool pool)
{
    private readonly HashSet<string> hints = [];
    private readonly Dictionary<string, ResolvedDefinition> resolved = [];

    /// <summary>Indexes that might help and that the planner cannot be asked about, as sentences.</summary>
    public IReadOnlyCollection<string> Hints => hints;

    /// <summary>The candidates of each statement; all variants of a statement have the same candidates.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<Candidate>>> CollectAsync(
        PlannedWorkload planned, CancellationToken cancellationToken)
    {
        var (isAvailable, schema) = await catalog.GetExtensionAsync("pg_trgm", cancellationToken);
        var context = new CandidateContext
        {
            Recurring = CandidateContext.FindRecurring(planned.Statements.Select(p => (p.Use, p.Weight))),
            IsTrigramAvailable = isAvailable,
            TrigramSchema = schema,
        };
        var known = new Dictionary<StatementUse, IReadOnlyList<Candidate>>(ReferenceEqualityComparer.Instance);
        var own = new List<IReadOnlyList<Candidate>>();
        foreach (var statement in planned.Statements)
        {
            if (!known.TryGetValue(statement.Use, out var mine))
            {
                known[statement.Use] = mine = await CollectAsync(statement.Use, context, cancellationToken);
            }

            own.Add(mine);
        }

        return own;
    }

    private async Task<IReadOnlyList<Candidate>> CollectAsync(
        StatementUse statement, CandidateContext context, CancellationToken cancellationToken)
    {
        var mine = new List<Candidate>();
        foreach (var use in statement.Relations)
        {
            if (tables.TryGetValue(use.Table, out var table))
            {
                foreach (var proposed in CandidateGenerator.Generate(use, table, context))
                {
                    if (proposed.Requires is { } statementFirst)
                    {
                        hints.Add(
                            $"{table.Name} may gain by {QueryText.HideConstants(proposed.Definition.ToAnonymousStatement())}, "
                            + $"which the planner cannot be asked about before: {statementFirst};");
                    }
                    else if (await ResolveAsync(proposed.Definition, cancellationToken) is { Distrusted: { } distrusted })
                    {
                        hints.Add(
                            $"{table.Name} gets no index that calls {distrusted}: it would run for whoever writes to the table;");
                    }
                    else if (await pool.GetAsync(
                        resolved[proposed.Definition.ToAnonymousStatement()].Definition, table, proposed.Pattern) is {
                        } candidate)
                    {
                        mine.Add(candidate);
                    }
                }
            }
        }

        return [.. mine.Distinct()];
    }

    private async Task<ResolvedDefinition> ResolveAsync(IndexDefinition definition, CancellationToken cancellationToken)
    {
        var key = definition.ToAnonymousStatement();
        if (!resolved.TryGetValue(key, out var found))
        {
            // A definition without names that need a schema is not resolved.
            resolved[key] = found = definition.Where is null && definition.Keys.All(k => k.Expression is null)
                ? new ResolvedDefinition(definition, null)
                : await catalog.ResolveAsync(definition, cancellationToken);
        }

        return found;
    }

    /// <summary>
    /// Adds a cost table for each foreign key that makes writes slow: triggers have no plan, so each counts as one more
    /// statement.
    /// </summary>
    /// <returns>The needs, each with the position of its cost table.</returns>
    public async Task<IReadOnlyList<(ForeignKeyNeed Need, int Position)>> AddForeignKeysAsync(
        IReadOnlyList<ForeignKey> foreignKeys, WriteLoad load, List<CostTable> costs, CancellationToken cancellationToken)
    {
        var needs = await ForeignKeyNeed.FindAsync(catalog, foreignKeys, load, cancellationToken);
        var others = (
            await catalog.FindTablesAsync(
            [.. needs.Select(n => n.Definition.Table).Where(t => !tables.ContainsKey(t)).Distinct()], cancellationToken))
            .ToDictionary(t => t.Name);
        var found = new List<(ForeignKeyNeed, int)>();
        foreach (var need in needs)
        {
            if ((tables.GetValueOrDefault(need.Definition.Table) ?? others.GetValueOrDefault(need.Definition.Table)) is not {
                CanBeIndexed: true, IsSystem: false } table)
            {
                continue;
            }

            foreach (var definition in new[] { need.Definition, need.WithoutNulls(table) }.OfType<IndexDefinition>())
            {
                await pool.GetAsync(definition, table, UsagePattern.Lookup);
            }

            var cost = new CostTable(new Configuration([], need.Gain), 1);
            foreach (var candidate in pool.All.Where(c => need.IsServedBy(c.Definition)))
            {
                cost.Add([candidate.Id], new Configuration([candidate.Id], 0, 0, IsEstimate: true));
            }

            if (cost.Configurations.Count == 1)
            {
                continue;
            }

            found.Add((need, costs.Count));
            costs.Add(cost);
        }

        return found;
    }
}

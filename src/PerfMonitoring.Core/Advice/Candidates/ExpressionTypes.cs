using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>What the server says about the expressions that the statements of a workload compare, sort or group by.</summary>
/// <param name="catalog">Resolves names, and describes expressions.</param>
internal sealed class ExpressionTypes(ICatalogRepository catalog)
{
    // invalid_object_definition: an expression or condition is not immutable (indexcmds.c).
    private const string NotImmutable = "(SQLSTATE 42P17)";

    /// <summary>The tables with the types of the expressions on their columns; each expression is asked about once.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="uses">The statements.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<IReadOnlyDictionary<RelationName, TableInfo>> AddToAsync(
        IReadOnlyDictionary<RelationName, TableInfo> tables, IEnumerable<StatementUse> uses, CancellationToken cancellationToken)
    {
        var wanted = uses.SelectMany(u => u.Relations)
            .SelectMany(r => r.Predicates.Concat(r.Alternatives.SelectMany(b => b)).Select(p => p.Key)
                .Concat(r.Orders.Concat(r.Groups).SelectMany(o => o))
                .Select(k => (r.Table, k.Expression)))
            .Where(e => e.Expression is not null && tables.ContainsKey(e.Table)).Distinct()
            .GroupBy(e => e.Table, e => e.Expression!);
        var result = tables.ToDictionary();
        foreach (var group in wanted)
        {
            result[group.Key] = tables[group.Key] with
            {
                Expressions = await DescribeAsync(group.Key, [.. group], cancellationToken),
            };
        }

        return result;
    }

    /// <summary>
    /// The candidates that HypoPG cannot create and whose expression or condition the server refuses, with the reason, by id: the
    /// server is asked about a B-tree on the same keys.
    /// </summary>
    public static async Task<IReadOnlyDictionary<int, string>> FindRefusedAsync(
        IWhatIf session, IEnumerable<Candidate> candidates, CancellationToken cancellationToken)
    {
        var twins = candidates
            .Where(c => !c.CanBeHypothetical && (c.Definition.Where ?? c.Definition.Keys.FirstOrDefault(
                k => k.Expression is not null)?.Expression) is not null)
            .Select(c => c with
            {
                Definition = AsBtree(c.Definition),
                Parts = [.. c.Parts.Select(AsBtree)],
            })
            .ToList();
        if (twins.Count == 0)
        {
            return new Dictionary<int, string>();
        }

        var answer = await session.ExplainAsync(new WhatIfRequest(new PlanText("select 1"), twins), cancellationToken);
        return answer.Refused.Where(r => IsAboutImmutability(r.Value)).ToDictionary();
    }

    /// <summary>The expressions without an index because the server refuses one, as sentences.</summary>
    public static IEnumerable<string> Hints(IReadOnlyDictionary<int, string> refused, IReadOnlyList<Candidate> candidates) =>
        refused.Where(r => IsAboutImmutability(r.Value)).OrderBy(r => r.Key)
            .Select(r => (candidates[r.Key].Definition, Why: r.Value))
            .SelectMany(r => r.Definition.Keys.Where(k => k.Expression is not null)
                .Select(k => (r.Definition.Table, k.Expression, r.Why)))
            .DistinctBy(r => (r.Table, r.Expression))
            .Select(r => $"{r.Table} gets no index on {QueryText.HideConstants(r.Expression!)}: {r.Why};");

    private static bool IsAboutImmutability(string reason) => reason.EndsWith(NotImmutable, StringComparison.Ordinal);

    private static IndexDefinition AsBtree(IndexDefinition index) => index with
    {
        Method = "btree",
        Keys = [.. index.Keys.Select(k => k with { OperatorClass = null })],
    };

    private async Task<IReadOnlyDictionary<string, ColumnInfo>> DescribeAsync(
        RelationName table, IReadOnlyList<string> expressions, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, ColumnInfo>();
        try
        {
            var asked = new IndexDefinition { Table = table, Name = "", Keys = [.. expressions.Select(IndexKey.OnExpression)] };
            var (resolved, distrusted) = await catalog.ResolveAsync(asked, cancellationToken);
            // Reading the text may run code of a type, so only that of trusted roles is read.
            if (distrusted is null)
            {
                var types = await catalog.GetExpressionTypesAsync(resolved, cancellationToken);
                foreach (var (written, key) in expressions.Zip(resolved.Keys))
                {
                    // A candidate has the resolved text.
                    found[written] = found[key.Expression!] = types[key.Expression!];
                }

                return found;
            }
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            // One of them cannot be read outside its statement, or the role has no right to.
        }

        // The type of the one at fault stays unknown.
        foreach (var expression in expressions.Count > 1 ? expressions : [])
        {
            foreach (var (text, type) in await DescribeAsync(table, [expression], cancellationToken))
            {
                found[text] = type;
            }
        }

        return found;
    }
}

using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>
/// The access method and operator class for an operator that no B-tree serves (manual: GIN, GiST, operator classes).
/// </summary>
internal static class OperatorClasses
{
    /// <summary>
    /// The indexes for these conditions on one column or expression; none for an expression whose type is unknown.
    /// </summary>
    public static IEnumerable<(IndexDefinition Definition, UsagePattern Pattern, string? Requires)> For(
        IndexKey key, IReadOnlyList<PlanPredicate> predicates, TableInfo table, CandidateContext context)
    {
        if (table.TypeOf(key) is not { BaseType: var type } column)
        {
            yield break;
        }

        var operators = predicates.Select(p => p.Operator!).ToHashSet();

        if (type == "jsonb" && operators.Overlaps(["@>", "?", "?|", "?&", "@?", "@@"]))
        {
            // jsonb_path_ops supports paths to values but not bare keys; it is smaller, and its searches are faster.
            yield return (Index("gin", operators.IsSubsetOf(["@>", "@?", "@@"]) ? "jsonb_path_ops" : null), UsagePattern.Lookup,
                null);
        }
        else if (column is { IsArray: true, HasBtree: true } && operators.Overlaps(["@>", "<@", "&&"]))
        {
            yield return (Index("gin", null), UsagePattern.Lookup, null);
        }
        else if (type == "hstore" && operators.Overlaps(["@>", "?", "?|", "?&"]))
        {
            yield return (Index("gin", null), UsagePattern.Lookup, null);
        }
        else if (type == "tsvector" && operators.Contains("@@"))
        {
            yield return (Index("gin", null), UsagePattern.FullText, null);
        }
        else if (IsText(type) && predicates.Any(p => p.Kind != PredicateKind.Prefix && IsTrigram(p))
            && (context.TrigramSchema is not null || context.IsTrigramAvailable))
        {
            var schema = context.TrigramSchema is null or "pg_catalog" ? "" : Identifier.Quote(context.TrigramSchema) + ".";
            var isNearest = predicates.Any(p => p.Kind == PredicateKind.Nearest);
            yield return (
                Index(isNearest ? "gist" : "gin", schema + (isNearest ? "gist_trgm_ops" : "gin_trgm_ops")), UsagePattern.FullText,
                context.TrigramSchema is null ? "create extension pg_trgm" : null);
        }
        else if (IsRange(type) && operators.Overlaps(["&&", "@>", "<@", "-|-", "<<", ">>", "&<", "&>"]))
        {
            yield return (Index("gist", null), UsagePattern.RangeScan, null);
        }
        else if (IsPlace(type) && operators.Overlaps(["&&", "@>", "<@", "<<", ">>", "&<", "&>", "~=", "<->"]))
        {
            yield return (Index("gist", null), operators.Contains("<->") ? UsagePattern.Sort : UsagePattern.RangeScan, null);
        }
        else if (type is "inet" or "cidr" && operators.Overlaps(["<<", "<<=", ">>", ">>=", "&&"]))
        {
            yield return (Index("gist", "inet_ops"), UsagePattern.RangeScan, null);
        }

        IndexDefinition Index(string method, string? operatorClass) =>
            new() { Table = table.Name, Name = "", Method = method, Keys = [key with { OperatorClass = operatorClass }] };
    }

    /// <summary>
    /// Whether a GIN or GiST index serves a condition on one of its keys. The index searches any of its keys; a GiST only its
    /// first one well.
    /// </summary>
    public static bool Serves(IndexDefinition index, PlanPredicate predicate) =>
        predicate.Operator is { } name && index.Keys.Take(index.Method == "gin" ? index.Keys.Count : 1).Any(
            key => IsOn(key, predicate)
            && key.OperatorClass switch
            {
                "jsonb_path_ops" => name is "@>" or "@?" or "@@",
                { } trigram when trigram.EndsWith("trgm_ops", StringComparison.Ordinal) =>
                    IsTrigram(predicate) && (predicate.Kind != PredicateKind.Nearest || index.Method == "gist"),
                _ => predicate.Kind != PredicateKind.Prefix && (name == "~=" || !name.Contains('~', StringComparison.Ordinal))
                    && !name.Contains('%', StringComparison.Ordinal),
            });

    /// <summary>Whether a condition is on the column or expression of a key.</summary>
    public static bool IsOn(IndexKey key, PlanPredicate predicate) =>
        predicate.Key.Column == key.Column && predicate.Key.Expression == key.Expression;

    /// <summary>Whether it is a type of texts that trigrams and prefixes are searched in.</summary>
    public static bool IsText(string type) =>
        type is "text" or "varchar" or "bpchar" || type.StartsWith("character", StringComparison.Ordinal);

    private static bool IsRange(string type) => type.EndsWith("range", StringComparison.Ordinal);

    private static bool IsPlace(string type) =>
        type is "point" or "box" or "circle" or "polygon" || type.StartsWith("geometry", StringComparison.Ordinal)
        || type.StartsWith("geography", StringComparison.Ordinal);

    // A pattern without three consecutive letters has no trigram to search for; a B-tree serves a pattern with a known fixed
    // prefix.
    private static bool IsTrigram(PlanPredicate predicate) =>
        (predicate.Kind is PredicateKind.Operator or PredicateKind.Nearest
            || predicate is { Kind: PredicateKind.Prefix, Operator: "~~", Pattern: null })
        && (predicate.Operator is "%" or "<%" or "%>" or "<<%" or "%>>" or "<->"
            || (predicate.Operator is "~~" or "~~*" or "~" or "~*"
                && (predicate.Pattern is null || HasTrigram(predicate.Pattern))));

    private static bool HasTrigram(string pattern)
    {
        var run = 0;
        foreach (var c in pattern)
        {
            run = char.IsLetterOrDigit(c) ? run + 1 : 0;
            if (run == 3)
            {
                return true;
            }
        }

        return false;
    }
}

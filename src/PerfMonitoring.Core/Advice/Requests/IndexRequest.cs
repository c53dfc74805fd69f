using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>An index as the user describes it; <see cref="ToDefinition"/> makes it exact.</summary>
internal sealed partial record IndexRequest
{
    /// <summary>
    /// Key columns in order: plain names (<c>Order Id</c>), or as in SQL with options (<c>created_at desc nulls last</c>, <c>name
    /// text_pattern_ops</c>, <c>a, b desc</c>); an element in parentheses is an expression.
    /// </summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Key expressions, after the columns.</summary>
    public IReadOnlyList<string> Expressions { get; init; } = [];

    /// <summary>INCLUDE columns.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>The kind of index; null where it follows from the rest.</summary>
    public IndexType? Type { get; init; }

    /// <summary>The condition of a partial index, without WHERE; null for all rows.</summary>
    public string? Where { get; init; }

    /// <summary>Name, unquoted, or null for a name from table and keys.</summary>
    public string? IndexName { get; init; }

    /// <summary>Whether it enforces uniqueness.</summary>
    public bool IsUnique { get; init; }

    /// <summary>The definition of the requested index on a table.</summary>
    /// <exception cref="PerfMonitoringException">
    /// ColumnMissing, ColumnNotFound, DuplicateColumn, IndexTypeMismatch, InvalidExpression, InvalidName.
    /// </exception>
    public IndexDefinition ToDefinition(TableInfo table)
    {
        var keys = Columns.SelectMany(c => ReadColumns(c, table, "-Column")).ToList();
        keys.AddRange(Expressions.Select(e => IndexKey.OnExpression(SqlFragment.Unwrap(SqlFragment.Check(e, "-Expression")))));
        var include = Include.SelectMany(c => ReadColumns(c, table, "-Include"))
            .Select(k =>
                k == IndexKey.OnColumn(k.Column ?? "") ? k.Column! : throw Mismatch("-Include takes plain column names."))
            .ToList();
        if (keys.Count == 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.ColumnMissing, FailureKind.InvalidArgument,
                $"No column and no expression is given for the index on {table.Name}.",
                "Pass -Column or -Expression.", table.Name.ToString());
        }

        if (keys.Select(k => k.Column).Concat(include).Where(c => c is not null).GroupBy(c => c)
            .FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new PerfMonitoringException(
                ErrorIds.DuplicateColumn, FailureKind.InvalidArgument,
                $"Column '{twice.Key}' stands twice in the index on {table.Name}.", "Name it once.", twice.Key);
        }

        if (IndexName is not null)
        {
            Identifier.Check(IndexName);
        }

        var where = Where is null ? null : SqlFragment.Check(Where, "-Where");
        var method = Type switch { IndexType.Hash => "hash", IndexType.Gin => "gin", IndexType.Gist => "gist", _ => "btree" };
        var definition = new IndexDefinition
        {
            Table = table.Name,
            Name = IndexName
                ?? IndexDefinition.SuggestName(
                    table.Name.Name, keys.Concat(include.Select(IndexKey.OnColumn)), where is not null),
            Method = method,
            IsUnique = IsUnique,
            Keys = keys,
            Include = include,
            Where = where,
        };
        CheckType(definition);
        return definition;
    }

    private void CheckType(IndexDefinition definition)
    {
        var isOrdered = definition.Method == "btree";
        var mistake = Type switch
        {
            IndexType.Partial when definition.Where is null => "A partial index needs -Where.",
            IndexType.Composite when definition.Keys.Count < 2 => "A composite index needs two keys or more.",
            IndexType.Functional when definition.Keys.All(k => k.Expression is null) => "A functional index needs -Expression.",
            IndexType.Hash when definition.Keys.Count > 1 => "A hash index takes one key.",
            _ when !isOrdered && definition.IsUnique => "Only a B-tree can be unique.",
            _ when !isOrdered && definition.Keys.Any(k => k.Descending || k.NullsFirst is not null) =>
                "Only a B-tree has an order.",
            IndexType.Hash or IndexType.Gin when definition.Include.Count > 0 =>
                $"A {definition.Method} index takes no -Include.",
            _ => null,
        };
        if (mistake is not null)
        {
            throw Mismatch(mistake);
        }
    }

    private static List<IndexKey> ReadColumns(string text, TableInfo table, string argument)
    {
        if (table.FindColumn(text) is { } exact)
        {
            return [IndexKey.OnColumn(exact.Name)];
        }

        if (text.TrimStart().StartsWith('('))
        {
            return [IndexKey.OnExpression(SqlFragment.Unwrap(SqlFragment.Check(text, argument)))];
        }

        var keys = new List<IndexKey>();
        var rest = text;
        while (ColumnPattern().Match(rest) is { Success: true } match)
        {
            var name = match.Groups["quoted"] is { Success: true } quoted
                ? quoted.Value.Replace("\"\"", "\"", StringComparison.Ordinal)
                : match.Groups["bare"].Value.ToLowerInvariant();
            if (table.FindColumn(name) is null)
            {
                break;
            }

            keys.Add(new IndexKey
            {
                Column = name,
                OperatorClass = match.Groups["class"] is { Success: true } operatorClass ? Lower(operatorClass.Value) : null,
                Descending = match.Groups["order"].Value.Equals("desc", StringComparison.OrdinalIgnoreCase),
                NullsFirst = match.Groups["nulls"] is { Success: true } nulls
                    ? nulls.Value.Equals("first", StringComparison.OrdinalIgnoreCase) : null,
            });
            rest = rest[match.Length..];
            if (rest.Length == 0)
            {
                return keys;
            }
        }

        throw new PerfMonitoringException(
            ErrorIds.ColumnNotFound, FailureKind.NotFound, $"Table {table.Name} has no column '{text}' ({argument}).",
            $"It has: {string.Join(", ", table.Columns.Select(c => Identifier.Quote(c.Name)))}.", text);
    }

    // Quoted names stay unchanged.
    private static string Lower(string name) => name.Contains('"', StringComparison.Ordinal) ? name : name.ToLowerInvariant();

    private static PerfMonitoringException Mismatch(string message) => new(
        ErrorIds.IndexTypeMismatch, FailureKind.InvalidArgument, message,
        "Change -IndexType, or leave it out: it follows from the other parameters.");

    [GeneratedRegex("""
        ^\s*(?:"(?<quoted>(?:[^"]|"")+)"|(?<bare>[\p{L}_][\p{L}\p{N}_$]*))
        (?:\s+(?!(?:asc|desc|nulls)\b)(?<class>(?:(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)\.)?[a-z_][a-z0-9_]*))?
        (?:\s+(?<order>asc|desc))?
        (?:\s+nulls\s+(?<nulls>first|last))?\s*(?:,(?=.)|$)
        """, RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex ColumnPattern();
}

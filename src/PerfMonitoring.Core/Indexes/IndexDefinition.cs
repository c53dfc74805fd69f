using System.Text;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Indexes;

/// <summary>One key of an index: a column or an expression, with its order.</summary>
public sealed record IndexKey
{
    /// <summary>The column's name, unquoted; null for an expression.</summary>
    public string? Column { get; init; }

    /// <summary>The expression as SQL, without enclosing parentheses; null for a column.</summary>
    public string? Expression { get; init; }

    /// <summary>Collation as SQL writes it; null for the collation of the column.</summary>
    public string? Collation { get; init; }

    /// <summary>Operator class as SQL writes it, with its options, if any; null for the default of the type.</summary>
    public string? OperatorClass { get; init; }

    /// <summary>Whether the order is descending (B-tree only).</summary>
    public bool Descending { get; init; }

    /// <summary>Whether nulls come first; null for the default (last when ascending, first when descending).</summary>
    public bool? NullsFirst { get; init; }

    /// <summary>A key on a plain column.</summary>
    public static IndexKey OnColumn(string column) => new() { Column = column };

    /// <summary>A key on an expression.</summary>
    public static IndexKey OnExpression(string expression) => new() { Expression = expression };

    /// <summary>The key as CREATE INDEX writes it.</summary>
    /// <exception cref="PerfMonitoringException">InvalidExpression: a part of the key would end its place in the
    /// statement.</exception>
    public override string ToString()
    {
        var sql = new StringBuilder(Column is null
            ? "(" + SqlFragment.Check(Expression ?? "", "The expression of an index") + ")"
            : Identifier.Quote(Column));
        if (Collation is not null)
        {
            sql.Append(" COLLATE ").Append(SqlFragment.Check(Collation, "The collation of an index"));
        }

        if (OperatorClass is not null)
        {
            sql.Append(' ').Append(SqlFragment.Check(OperatorClass, "The operator class of an index"));
        }

        if (Descending)
        {
            sql.Append(" DESC");
        }

        if (NullsFirst is { } first && first != Descending)
        {
            sql.Append(first ? " NULLS FIRST" : " NULLS LAST");
        }

        return sql.ToString();
    }
}

/// <summary>The parts of an index, for CREATE INDEX and for the comparison of two indexes.</summary>
public sealed record IndexDefinition
{
    /// <summary>The longest definition in the store, in characters.</summary>
    public const int MaximumLength = 2000;

    /// <summary>The definition of no index: without a table, a name and keys.</summary>
    internal static IndexDefinition None { get; } = new() { Table = RelationName.None, Name = "", Keys = [] };

    /// <summary>The table, with its schema.</summary>
    public required RelationName Table { get; init; } = RelationName.None;

    /// <summary>The name of the index, unquoted; the index is in the schema of the table.</summary>
    public required string Name { get; init; } = "";

    /// <summary>The access method: btree, hash, gin, gist, brin, spgist.</summary>
    public string Method { get; init; } = "btree";

    /// <summary>Whether it enforces uniqueness.</summary>
    public bool IsUnique { get; init; }

    /// <summary>The keys in order; at least one.</summary>
    public required ItemList<IndexKey> Keys { get; init => field = value.ToItemList(); } = [];

    /// <summary>The INCLUDE columns in order, unquoted.</summary>
    public ItemList<string> Include { get; init => field = value.ToItemList(); } = [];

    /// <summary>Whether nulls are equal in a unique index (PostgreSQL 15).</summary>
    public bool NullsNotDistinct { get; init; }

    /// <summary>Storage parameters as SQL writes them, in order: <c>fillfactor='70'</c>.</summary>
    public ItemList<string> StorageParameters { get; init => field = value.ToItemList(); } = [];

    /// <summary>Tablespace, unquoted, or null for the default.</summary>
    public string? Tablespace { get; init; }

    /// <summary>The condition of a partial index as SQL, without WHERE, or null.</summary>
    public string? Where { get; init; }

    /// <summary>The keys for people: unquoted columns, and expressions.</summary>
    public ItemList<string> KeyNames => Keys.Select(k => k.Column ?? k.Expression!).ToItemList();

    /// <summary>The trait for index_type in the store.</summary>
    public IndexType Type => Method switch
    {
        "hash" => IndexType.Hash,
        "gin" => IndexType.Gin,
        "gist" or "spgist" => IndexType.Gist,
        _ when Keys.Any(k => k.Expression is not null) => IndexType.Functional,
        _ when Where is not null => IndexType.Partial,
        _ when Keys.Count > 1 => IndexType.Composite,
        _ => IndexType.Btree,
    };

    /// <summary>The CREATE INDEX statement, on one line and without a closing semicolon.</summary>
    /// <param name="concurrently">Whether to build without blocking writes.</param>
    public string ToCreateStatement(bool concurrently)
    {
        var sql = new StringBuilder("CREATE ");
        if (IsUnique)
        {
            sql.Append("UNIQUE ");
        }

        sql.Append("INDEX ");
        if (concurrently)
        {
            sql.Append("CONCURRENTLY ");
        }

        sql.Append(Identifier.Quote(Name));
        AppendBody(sql);
        return sql.ToString();
    }

    /// <summary>The statement for messages, which may be logged: its constants are hidden.</summary>
    public string WithoutConstants => QueryText.HideConstants(ToCreateStatement(concurrently: true));

    /// <summary>
    /// The statement that creates the index of a partitioned table without indexes of its partitions: the index stays invalid
    /// until every partition has one that is attached.
    /// </summary>
    public string ToParentStatement()
    {
        var sql = new StringBuilder(IsUnique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ").Append(Identifier.Quote(Name));
        AppendBody(sql, "ONLY ");
        return sql.ToString();
    }

    /// <summary>The name of the index with its schema, which is the schema of the table.</summary>
    public RelationName QualifiedName => new(Table.Schema, Name);

    /// <summary>The statement that attaches the index of a partition to this one.</summary>
    public string ToAttachStatement(RelationName part) => $"ALTER INDEX {QualifiedName} ATTACH PARTITION {part}";

    /// <summary>The CREATE INDEX statement, without a name where there is none; empty without a table or keys.</summary>
    public override string ToString() => !IsOnTable ? "" : Name.Length == 0
        ? ToAnonymousStatement() : ToCreateStatement(concurrently: false);

    /// <summary>Whether it has a table and keys.</summary>
    internal bool IsOnTable => Table.Name.Length > 0 && Keys.Count > 0;

    /// <summary>The statement for HypoPG and comparisons: without name, CONCURRENTLY and tablespace.</summary>
    public string ToAnonymousStatement()
    {
        var sql = new StringBuilder(IsUnique ? "CREATE UNIQUE INDEX" : "CREATE INDEX");
        (this with { Tablespace = null }).AppendBody(sql);
        return sql.ToString();
    }

    /// <summary>The statement that drops the index.</summary>
    public string ToDropStatement(bool concurrently) =>
        (concurrently ? "DROP INDEX CONCURRENTLY " : "DROP INDEX ") + QualifiedName;

    /// <summary>The statement that rebuilds the index without blocking writes.</summary>
    public string ToReindexStatement() => "REINDEX INDEX CONCURRENTLY " + QualifiedName;

    /// <summary>
    /// A name as PostgreSQL chooses it, from table and keys: <c>orders_customer_id_status_idx</c>; at most 63 bytes.
    /// </summary>
    public static string SuggestName(string table, IEnumerable<IndexKey> keys, bool partial)
    {
        var words = keys.Select(k => k.Column
            ?? new string(
                [.. WithoutLiterals(k.Expression!).Where(c => char.IsLetterOrDigit(c) || c is '_' or '(' or ' ')
                .Select(c => c is '(' or ' ' ? '_' : c)])
                .Trim('_'));
        return Identifier.Shorten($"{table}_{string.Join('_', words)}", partial ? "_part_idx" : "_idx");
    }

    // A constant may be personal data; the key of a JSON value is a name.
    private static string WithoutLiterals(string expression)
    {
        var result = new StringBuilder(expression.Length);
        var lexer = new SqlLexer(expression);
        var (copied, isKey) = (0, false);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Literal && !isKey)
            {
                result.Append(expression, copied, lexer.Start - copied);
                copied = lexer.End;
            }

            isKey = lexer.Kind == SqlTokenKind.Operator && lexer.Text is "->" or "->>";
        }

        return result.Append(expression, copied, expression.Length - copied).ToString();
    }

    private void AppendBody(StringBuilder sql, string only = "")
    {
        sql.Append(" ON ").Append(only).Append(Table).Append(" USING ").Append(Identifier.Quote(Method))
            .Append(" (").AppendJoin(", ", Keys).Append(')');
        if (Include.Count > 0)
        {
            sql.Append(" INCLUDE (").AppendJoin(", ", Include.Select(Identifier.Quote)).Append(')');
        }

        if (NullsNotDistinct)
        {
            sql.Append(" NULLS NOT DISTINCT");
        }

        if (StorageParameters.Count > 0)
        {
            sql.Append(" WITH (")
                .AppendJoin(", ", StorageParameters.Select(p => SqlFragment.Check(p, "A storage parameter of an index")))
                .Append(')');
        }

        if (Tablespace is not null)
        {
            sql.Append(" TABLESPACE ").Append(Identifier.Quote(Tablespace));
        }

        if (Where is not null)
        {
            sql.Append(" WHERE ").Append(SqlFragment.Check(Where, "The predicate of an index"));
        }
    }
}

namespace PerfMonitoring.Common;

/// <summary>
/// The name of a table or an index with its schema. <see cref="Schema"/> is null where the search path decides.
/// </summary>
/// <param name="Schema">Schema, unquoted, or null.</param>
/// <param name="Name">Name, unquoted.</param>
public sealed record RelationName(string? Schema, string Name)
{
    /// <summary>The name of nothing.</summary>
    public RelationName()
        : this(null, "")
    {
    }

    /// <summary>The name of nothing.</summary>
    internal static RelationName None { get; } = new();

    /// <summary>
    /// Reads a name as PostgreSQL does: <c>orders</c>, <c>sales.orders</c>, <c>"Sales"."Order Items"</c>. Folds unquoted parts to
    /// lower case.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidName: the text is not a name, or a part is longer than 63
    /// bytes.</exception>
    public static RelationName Parse(string text)
    {
        var parts = Identifier.ParseQualified(text);
        return parts.Count switch
        {
            1 => new RelationName(null, parts[0]),
            2 => new RelationName(parts[0], parts[1]),
            _ => throw Identifier.Invalid(text, "it has more than a schema and a name"),
        };
    }

    /// <summary>The name as SQL writes it, quoted where necessary.</summary>
    public override string ToString() =>
        Schema is null ? Identifier.Quote(Name) : Identifier.Quote(Schema) + "." + Identifier.Quote(Name);
}

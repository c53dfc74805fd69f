namespace PerfMonitoring.Indexes;

/// <summary>
/// The most bytes that a value of a type needs in a table or an index, header included. Sources in PostgreSQL: varchar.c,
/// numeric.c, varbit.c, network.c, rangetypes.c.
/// </summary>
internal static class ValueWidth
{
    private const int Header = 4;

    /// <summary>The bound in bytes; null where the type has no bound, or no known one.</summary>
    /// <param name="type">Name of a built-in type as in pg_type (bpchar, varchar); null for any other.</param>
    /// <param name="length">Length of the type in bytes; negative for a variable one.</param>
    /// <param name="modifier">Type modifier; -1 for none.</param>
    /// <param name="subtypeLength">For a range, the length of its subtype; else null.</param>
    /// <param name="characterBytes">Most bytes of a character in the encoding of the database.</param>
    public static int? Maximum(string? type, int length, int modifier, int? subtypeLength, int characterBytes) => type switch
    {
        _ when length > 0 => length,
        // Type, two bounds, flags, and the alignment of the bounds.
        _ when subtypeLength is > 0 and { } bound => Header + 4 + (2 * (bound + 8)) + 1,
        "inet" or "cidr" => Header + 18,
        "varchar" or "bpchar" when modifier >= Header => Within(Header + ((long)(modifier - Header) * characterBytes)),
        "bit" or "varbit" when modifier > 0 => Header + 4 + ((modifier + 7) / 8),
        // Four decimal digits take two bytes; the first and the last group of four may be incomplete.
        "numeric" when modifier >= Header => Header + 4 + (2 * ((((modifier - Header) >> 16) / 4) + 2)),
        _ => null,
    };

    /// <summary>
    /// The width of a value from the length of its text in bytes, as the output function of the type writes it; rough except for
    /// texts.
    /// </summary>
    public static int OfText(string type, int bytes) => type switch
    {
        "bytea" => Math.Max(0, bytes - 2) / 2,
        "bit" or "varbit" => 4 + ((bytes + 7) / 8),
        "numeric" => 4 + (bytes / 2),
        _ => bytes,
    };

    /// <summary>How many bytes a value is longer where its text is one byte longer; null where unknown.</summary>
    public static double? PerByteOfText(string type) => type switch
    {
        "text" or "varchar" or "bpchar" or "citext" => 1,
        "bytea" or "numeric" => 0.5,
        "bit" or "varbit" => 1 / 8.0,
        // Addresses of one family have one width.
        "inet" or "cidr" => 0,
        _ => null,
    };

    /// <summary>The width of a text with that many bytes: a short one has a header of one byte.</summary>
    public static double? Stored(double? bytes) => bytes < 127 ? bytes + 1 : bytes + Header;

    private static int? Within(long bytes) => bytes <= int.MaxValue ? (int)bytes : null;
}

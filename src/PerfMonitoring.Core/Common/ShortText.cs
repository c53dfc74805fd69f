namespace PerfMonitoring.Common;

/// <summary>What a pipeline object is called in a text, such as "$_": one short line that is safe on a terminal.</summary>
internal static class ShortText
{
    // Room for the longest name of an index with that of its table and schema.
    private const int Longest = 200;

    // Characters of a query that say which one it is.
    private const int QueryLength = 60;

    /// <summary>A text in one short line.</summary>
    public static string Of(string? text) => VisibleText.Line(text, Longest);

    /// <summary>An index of a table; without what is not known.</summary>
    public static string Of(string? index, string? table) =>
        Of(string.IsNullOrEmpty(table) ? index : $"{(string.IsNullOrEmpty(index) ? "index" : index)} on {table}");

    /// <summary>The beginning of a query.</summary>
    public static string OfQuery(string? query)
    {
        var words = string.Join(' ', (query ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(QueryLength));
        return VisibleText.Line(words.Length <= QueryLength ? words : string.Concat(words.AsSpan(0, QueryLength - 3), "..."));
    }
}

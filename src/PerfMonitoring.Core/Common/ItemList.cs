using System.Collections;
using System.Collections.ObjectModel;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Common;

/// <summary>
/// A list of a pipeline object. PowerShell makes one from an array or a single value, indexes into it, and writes it as an array
/// to JSON. In CSV it is the text of its items (<see cref="ToString"/>), which <see cref="ItemList.Parse"/> reads.
/// </summary>
/// <typeparam name="T">A text, or a record whose ToString is one line.</typeparam>
/// <param name="items">The items; copied.</param>
[JsonConverter(typeof(ItemListJson))]
[CollectionBuilder(typeof(ItemList), nameof(ItemList.Create))]
public sealed class ItemList<T>(IEnumerable<T> items) : ReadOnlyCollection<T>([.. items])
{
    /// <summary>A list of the items of an array.</summary>
    public static implicit operator ItemList<T>(T[] items) => new(items);

    /// <summary>A list of the items of a list.</summary>
    public static implicit operator ItemList<T>(List<T> items) => new(items);

    /// <summary>The items, separated by "; ".</summary>
    public override string ToString() => string.Join(ItemList.Separator, this.Select(i => ItemList.Quote(ItemList.TextOf(i))));
}

/// <summary>Lists as texts, as CSV keeps them.</summary>
public static class ItemList
{
    internal const string Separator = "; ";

    /// <summary>A list of these items.</summary>
    public static ItemList<T> Create<T>(ReadOnlySpan<T> items) => new(items.ToArray());

    /// <summary>A list of these items; of no items where there is no list.</summary>
    public static ItemList<T> ToItemList<T>(this IEnumerable<T>? items) => items as ItemList<T> ?? new ItemList<T>(items ?? []);

    /// <summary>
    /// The items of a text that <see cref="ItemList{T}.ToString"/> wrote. A text that it would not write is one item.
    /// </summary>
    public static IReadOnlyList<string> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var items = new List<string>();
        for (var at = 0; at <= text.Length;)
        {
            var isQuoted = at < text.Length && text[at] == '"';
            var end = isQuoted ? EndOfQuoted(text, at) : text.IndexOf(Separator, at, StringComparison.Ordinal);
            end = end < 0 ? text.Length : end;
            items.Add(isQuoted ? Unquote(text[at..end]) : text[at..end]);
            at = end == text.Length ? end + 1 : end + Separator.Length;
        }

        return new ItemList<string>(items).ToString() == text ? items : [text];
    }

    // A table has no text of its own.
    internal static string TextOf(object? item) => item is IDictionary table
        ? string.Join(", ", table.Keys.Cast<object>().Select(k => $"{k}={table[k]}").Order(StringComparer.Ordinal))
        : item?.ToString() ?? "";

    internal static string Quote(string item) =>
        item.Length == 0 || item[0] == '"' || item.Contains(';', StringComparison.Ordinal)
            ? "\"" + item.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"" : item;

    // A text without its closing quote is no item of ours, and Parse gives it back whole.
    private static string Unquote(string quoted) =>
        quoted.Length < 2 ? quoted : quoted[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal);

    // The end of a quoted item: the first quote that is not doubled.
    private static int EndOfQuoted(string text, int start)
    {
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[i] == '"' && (i + 1 == text.Length || text[i + 1] != '"'))
            {
                return i + 1;
            }

            i += text[i] == '"' ? 1 : 0;
        }

        return -1;
    }
}

using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Indexes;

/// <summary>The entries of one key of a GIN index, and in what share of the rows they occur.</summary>
/// <remarks>
/// ANALYZE counts the elements of arrays and of tsvectors. Of texts and documents it keeps common values and the bounds of a
/// histogram, which are a sample of the others: their words, trigrams, keys and values are counted here. How often the entries
/// that are rare in the sample occur in the table follows from a law of Zipf (<see cref="KeyFrequencies.Continue"/>). The values
/// are the user's data: only numbers leave this class.
/// </remarks>
internal static partial class GinEntries
{
    private const int Steps = 32;
    private const double LeastShare = 1e-9;

    // An entry that so many values of the sample have counts as common.
    private const int MostCommonAt = 4;

    // Mean rows of an entry that each row has for itself.
    private const double LeastMean = 1e-3;

    // The words beyond those that ANALYZE keeps of a tsvector fall at least as fast as this power of their rank.
    private const double LeastSlope = 1.2;

    // Words of a text, by judgement.
    private const double ShortText = 10;

    // tsvector: a header of 8 bytes; for a lexeme 4 bytes, its letters, and 4 for its positions. Source: ts_type.h.
    private const double VectorHeader = 8;
    private const double LexemeOverhead = 8;

    /// <summary>Classes of entries: their number, the share of the rows that has one of them, bytes of the key.</summary>
    /// <param name="Keys">Possible entries.</param>
    /// <param name="Share">Share of the rows with one of them.</param>
    /// <param name="Bytes">Mean bytes of the key, its header included.</param>
    internal readonly record struct Entry(double Keys, double Share, double Bytes);

    /// <summary>The entries; null where nothing is known of the values.</summary>
    /// <param name="key">The key of the index.</param>
    /// <param name="columns">The columns that it reads.</param>
    /// <param name="rows">Rows of the table.</param>
    public static IReadOnlyList<Entry>? Of(IndexKey key, IReadOnlyList<ColumnInfo> columns, double rows)
    {
        var all = new List<Entry>();
        foreach (var column in columns)
        {
            if (column.Values is not { IsKnown: true } and not { CommonElements.Count: > 0 } && column.NullFraction < 1)
            {
                return null;
            }

            var isWords = key.Expression?.Contains("to_tsvector(", StringComparison.Ordinal) == true;
            var isTrigram = key.OperatorClass?.Contains("trgm", StringComparison.Ordinal) == true;
            var values = column.Values ?? new ColumnValues { Table = default!, Column = column.Name };
            var nulls = column.NullFraction ?? 0;
            var distinct = DistinctValues.Of(column, rows) ?? rows;
            all.AddRange(
                isTrigram ? OfSample(values, distinct, rows, Trigrams, _ => 4, PossibleTrigrams)
                : isWords ? OfSample(values, distinct, rows, Words, e => Encoding.UTF8.GetByteCount(e) + 1)
                : column.BaseType is "jsonb" && key.OperatorClass == "jsonb_path_ops"
                    ? OfSample(values, distinct, rows, Paths, _ => 4)
                : column.BaseType is "jsonb"
                    ? OfSample(values, distinct, rows, KeysAndValues, e => Math.Min(125, Encoding.UTF8.GetByteCount(e)) + 1)
                : OfElements(values, column, nulls, rows));
            if (nulls > 0 && (!isWords || key.Expression?.Contains("COALESCE", StringComparison.OrdinalIgnoreCase) == false))
            {
                all.Add(new Entry(1, nulls, 2));
            }
        }

        return all;
    }

    private static IEnumerable<Entry> OfElements(ColumnValues values, ColumnInfo column, double nulls, double rows)
    {
        var isVector = column.BaseType == "tsvector";
        var length = values.CommonElements.Count == 0
            ? 8 : values.CommonElements.Average(e => (double)Encoding.UTF8.GetByteCount(e));
        var bytes = IsFixed(column) && column.MaximumElementWidth is { } width ? width : length + 1;
        var found = values.CommonElementFrequencies.Take(values.CommonElements.Count).Select(f => f * (1 - nulls)).ToList();
        foreach (var share in found)
        {
            yield return new Entry(1, share, bytes);
        }

        var mean = isVector ? Math.Max(0, IndexSize.Width(column) - VectorHeader) / (length + LexemeOverhead)
            : values.ElementCount ?? found.Sum();
        var rest = (mean * (1 - nulls)) - found.Sum();
        if (found.Count > 1 && rest > 0.01 * mean)
        {
            // The others continue the ranks with the slope of the common ones.
            var middle = found.Count / 4;
            var slope = Math.Log(found[middle] / found[^1]) / Math.Log((double)found.Count / (middle + 1));
            // A short text that has rare words names things, such as numbers: each row has its own.
            foreach (var (keys, occurrences) in isVector && mean <= ShortText
                ? [(rest * rows / LeastMean, LeastMean)]
                : KeyFrequencies.Continue(
                    found.Count, found[^1] * rows, rest * rows, Math.Max(isVector ? LeastSlope : 0, slope)))
            {
                yield return new Entry(keys, occurrences / rows, bytes);
            }
        }

        // Arrays without elements have an entry of their own.
        var empty = (1 - nulls) * values.EmptyShare;
        if (empty > 0)
        {
            yield return new Entry(1, empty, 2);
        }
    }

    private static bool IsFixed(ColumnInfo column) =>
        column.Type is "smallint[]" or "integer[]" or "bigint[]" or "uuid[]" or "date[]" or "timestamp without time zone[]"
            or "timestamp with time zone[]";

    private static IEnumerable<Entry> OfSample(
        ColumnValues values, double distinct, double rows, Func<string, IEnumerable<string>> entriesOf, Func<string, int> bytesOf,
        Func<IReadOnlyCollection<string>, double>? possibleOf = null)
    {
        var shares = new Dictionary<string, double>(StringComparer.Ordinal);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var empty = 0.0;
        foreach (var (value, share) in values.CommonValues.Zip(values.CommonFrequencies))
        {
            var entries = entriesOf(value).Distinct(StringComparer.Ordinal).ToList();
            empty += entries.Count == 0 ? share : 0;
            entries.ForEach(e => shares[e] = shares.GetValueOrDefault(e) + share);
        }

        var rest = Math.Max(0, 1 - values.NullFraction - values.CommonFrequencies.Sum());
        var one = rest / Math.Max(1, values.Bounds.Count);
        foreach (var value in values.Bounds)
        {
            var entries = entriesOf(value).Distinct(StringComparer.Ordinal).ToList();
            empty += entries.Count == 0 ? one : 0;
            entries.ForEach(e => counts[e] = counts.GetValueOrDefault(e) + 1);
        }

        if (empty > LeastShare)
        {
            yield return new Entry(1, empty, 2);
        }

        var ranks = counts.Values.OrderDescending().ToList();
        var threshold = Enumerable.Range(2, MostCommonAt - 1).Reverse().FirstOrDefault(c => ranks.Count(r => r >= c) > 1, 2);
        foreach (var (entry, share) in shares)
        {
            yield return new Entry(1, share + (counts.GetValueOrDefault(entry) * one), bytesOf(entry));
        }

        foreach (var (entry, count) in counts.Where(c => !shares.ContainsKey(c.Key) && c.Value >= threshold))
        {
            yield return new Entry(1, count * one, bytesOf(entry));
        }

        var rare = counts.Where(c => !shares.ContainsKey(c.Key) && c.Value < threshold).ToList();
        if (rare.Count == 0)
        {
            yield break;
        }

        var bytes = rare.Average(r => bytesOf(r.Key));
        var common = ranks.TakeWhile(r => r >= threshold).ToList();
        // Each distinct value brings no more rare entries than the values of the sample do.
        var occurrences = rare.Sum(r => r.Value);
        var most = Math.Min(
            Math.Max(rare.Count, distinct * occurrences / values.Bounds.Count),
            possibleOf is null ? double.PositiveInfinity
                : Math.Max(rare.Count, possibleOf([.. counts.Keys]) - counts.Count + rare.Count));
        var all = occurrences * one * rows;
        var found = KeyFrequencies.Of([], [.. Rare(common, rare.Count, all, one * rows).Select(c => (c.Keys, c.Mean / all))]);
        foreach (var (keys, share) in (found.Distinct(all) > most ? found.With(most, all) : found).Classes)
        {
            yield return new Entry(keys, share * all / rows, bytes);
        }
    }

    // The entries that few values of the sample have: as many in all as there must be for the sample to have so many of them.
    private static List<(double Keys, double Mean)> Rare(List<int> common, int rare, double all, double rowsPerValue)
    {
        if (common.Count < 2 || rowsPerValue <= 1)
        {
            return [(all / LeastMean, LeastMean)];
        }

        var (least, most) = (0.0, KeyFrequencies.LargestExponent);
        for (var step = 0; step < Steps; step++)
        {
            var middle = (least + most) / 2;
            var met = Classes(middle).Sum(c => c.Keys * KeyFrequencies.Occurrence(c.Mean / rowsPerValue));
            (least, most) = met < rare ? (middle, most) : (least, middle);
        }

        return Classes(least);

        List<(double Keys, double Mean)> Classes(double exponent) =>
            KeyFrequencies.Continue(common.Count, common[^1] * rowsPerValue, all, exponent);
    }

    // As many as the pairs of characters allow that follow each other in the known trigrams.
    private static double PossibleTrigrams(IReadOnlyCollection<string> known)
    {
        var pairs = known.SelectMany(t => new[] { t[..2], t[1..] }).Distinct(StringComparer.Ordinal).ToList();
        var first = pairs.GroupBy(p => p[0]).ToDictionary(g => g.Key, g => g.Count());
        return pairs.Sum(p => first.GetValueOrDefault(p[1]));
    }

    // As pg_trgm does: words of letters and digits, two blanks before and one after each.
    private static IEnumerable<string> Trigrams(string value) => Word().Matches(value.ToLowerInvariant())
        .Select(m => $"  {m.Value} ").SelectMany(w => Enumerable.Range(0, w.Length - 2).Select(i => w.Substring(i, 3)));

    // The default parser of full text search, roughly: an address is one word; one with a
    // path is three; a word with hyphens is a word, and so are its parts.
    private static IEnumerable<string> Words(string value)
    {
        foreach (Match match in Token().Matches(value.ToLowerInvariant()))
        {
            yield return match.Value;
            if (match.Groups["path"] is { Success: true, Value: var path })
            {
                yield return match.Groups["host"].Value;
                yield return path;
            }

            foreach (var part in match.Groups["parts"].Value.Split('-', StringSplitOptions.RemoveEmptyEntries))
            {
                yield return part;
            }
        }
    }

    // jsonb_ops: keys and strings in arrays; values. Source: jsonb_gin.c.
    private static List<string> KeysAndValues(string value) => Read(value, static (path, leaf, isElement) =>
        (leaf is { } text ? (isElement ? "k" : "v") + text : null, "k" + path.Split('\0')[^1]));

    // jsonb_path_ops: a hash for each value with the keys on the way to it.
    private static List<string> Paths(string value) => Read(value, static (path, leaf, _) =>
        (leaf is { } text ? path + "\0" + text : null, null));

    private static List<string> Read(string value, Func<string, string?, bool, (string? Leaf, string? Key)> entryOf)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(value);
        }
        catch (JsonException)
        {
            // Numbers that .NET does not read, or deeper than 64 levels.
            return [];
        }

        using (document)
        {
            var found = new List<string>();
            Walk(document.RootElement, "", false);
            return found;

            void Walk(JsonElement element, string path, bool isElement)
            {
                switch (element.ValueKind)
                {
                    case JsonValueKind.Object:
                        foreach (var property in element.EnumerateObject())
                        {
                            var inner = path + "\0" + property.Name;
                            Add(entryOf(inner, null, false).Key);
                            Walk(property.Value, inner, false);
                        }

                        break;
                    case JsonValueKind.Array:
                        foreach (var item in element.EnumerateArray())
                        {
                            Walk(item, path, true);
                        }

                        break;
                    default:
                        Add(entryOf(path, element.ToString(), isElement && element.ValueKind == JsonValueKind.String).Leaf);
                        break;
                }
            }

            void Add(string? entry)
            {
                if (entry is not null)
                {
                    found.Add(entry);
                }
            }
        }
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();

    [GeneratedRegex(
        @"[\w.+-]+@[\w-]+(\.[\w-]+)+|(?<host>[\w-]+(\.[\w-]+)+)(?<path>/\S*)?|"
            + @"(?<parts>[\p{L}\p{N}]+(-[\p{L}\p{N}]+)+)|[\p{L}\p{N}]+")]
    private static partial Regex Token();
}

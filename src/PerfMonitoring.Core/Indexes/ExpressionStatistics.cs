using System.Text.Json;
using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// Statistics of an expression, from those of the columns that it reads. A function of one column is assumed to be as wide and as
/// varied as the column, with exceptions: a truncated time has as many values as there are units between the least and the
/// greatest value; an element of a document is read from the documents that ANALYZE keeps; coalesce makes a value of the nulls.
/// </summary>
internal static partial class ExpressionStatistics
{
    private const double TenYears = 3650;

    // Assumption for an expression without a known column: a short text, all values different.
    private static readonly ColumnInfo Unknown = new() {
        Name = "", Type = "text", IsPackable = true, AverageWidth = 16, Distinct = -1, TypeAlignment = 4 };

    /// <summary>The columns that the expression reads, in their order in the table.</summary>
    public static IEnumerable<ColumnInfo> ColumnsOf(string expression, TableInfo table) => table.Columns.Where(
        c => expression.Contains(c.Name, StringComparison.Ordinal)
            && Regex.IsMatch(expression, $"(?<![\\w\"'$:]){Regex.Escape(Identifier.Quote(c.Name))}(?![\\w\"'$(])"));

    /// <summary>
    /// The table with the values that ANALYZE knows of the columns that a GIN index or an expression of the index reads.
    /// </summary>
    /// <param name="catalog">Reads the values.</param>
    /// <param name="definition">The index.</param>
    /// <param name="table">Its table.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public static async Task<TableInfo> AddValuesAsync(
        ICatalogRepository catalog, IndexDefinition definition, TableInfo table, CancellationToken cancellationToken)
    {
        var read = definition.Keys
            .SelectMany(k => k.Expression is { } expression ? ColumnsOf(expression, table)
                : definition.Method == "gin" ? table.Columns.Where(c => c.Name == k.Column) : [])
            .Where(c => c.Values is null && c.AverageWidth is not null).Select(c => c.Name).ToHashSet();
        if (read.Count == 0)
        {
            return table;
        }

        var found = (await catalog.GetColumnValuesAsync([.. read.Select(c => (table.Name, c))], cancellationToken))
            .ToDictionary(v => v.Column);
        return table with {
            Columns = [
                .. table.Columns.Select(c => found.TryGetValue(c.Name, out var values) ? c with { Values = values } : c)] };
    }

    /// <summary>The statistics of an expression among the keys of an index.</summary>
    public static ColumnInfo Of(string expression, TableInfo table)
    {
        var columns = ColumnsOf(expression, table).ToList();
        var column = columns.MaxBy(c => c.Name.Length);
        if (Element().IsMatch(expression) && columns is [{ BaseType: "json" or "jsonb", Values: { } documents } source])
        {
            return OfElement(expression, source, documents, table.Rows ?? 1);
        }

        if (IsTest().IsMatch(expression))
        {
            return Unknown with { Type = "boolean", TypeLength = 1, TypeAlignment = 1, Distinct = 2 };
        }

        var truncated = Truncation().Match(expression);
        if (truncated.Success || expression.EndsWith("::date", StringComparison.Ordinal))
        {
            var seconds = truncated.Success ? SecondsOf(truncated.Groups["unit"].Value) : 86_400;
            var count = Span(column) is { } span ? (span / seconds) + 1 : TenYears * 86_400 / seconds;
            var most = column?.CountDistinct(table.Rows ?? 1) ?? count;
            return Unknown with {
                Type = truncated.Success ? "timestamp without time zone" : "date", TypeLength = truncated.Success ? 8 : 4,
                TypeAlignment = truncated.Success ? 8 : 4, NullFraction = column?.NullFraction,
                Distinct = Math.Min(most, count) };
        }

        if (expression.StartsWith("to_tsvector(", StringComparison.Ordinal) && column?.AverageWidth is { } text)
        {
            return Unknown with { Type = "tsvector", BaseType = "tsvector", AverageWidth = text };
        }

        if (column is null or { BaseType: "json" or "jsonb" or "xml" } or { TypeLength: < 0, AverageWidth: > 126 or null })
        {
            return Unknown;
        }

        var nulls = column.NullFraction ?? 0;
        return nulls > 0 && columns.Count == 1 && expression.StartsWith("COALESCE(", StringComparison.OrdinalIgnoreCase)
            ? WithoutNulls(column, nulls, table.Rows ?? 1) : column;
    }

    // The constant of coalesce is taken for a short one.
    private static ColumnInfo WithoutNulls(ColumnInfo column, double nulls, double rows)
    {
        var common = column.CommonFrequencies.Sum();
        return column with
        {
            NullFraction = 0,
            Distinct = DistinctValues.Of(column, rows) + 1,
            SampledRows = null,
            CommonWidth = column.TypeLength > 0 ? null : (nulls + (common * (column.CommonWidth ?? 0))) / (nulls + common),
            AverageWidth = column.TypeLength > 0 ? column.AverageWidth : (int)((IndexSize.Width(column) * (1 - nulls)) + nulls),
            CommonFrequencies = [.. column.CommonFrequencies.Append(nulls).OrderDescending()],
        };
    }

    // The documents that ANALYZE keeps are a sample: the result is what ANALYZE would count of the elements in it.
    private static ColumnInfo OfElement(string expression, ColumnInfo column, ColumnValues documents, double rows)
    {
        var keys = Step().Matches(expression).SelectMany(m => m.Groups["key"].Value.Trim('{', '}').Split(',')).ToList();
        var rest = Math.Max(0, 1 - documents.NullFraction - documents.CommonFrequencies.Sum());
        var one = rest / Math.Max(1, documents.Bounds.Count);
        var shares = new Dictionary<string, (double Share, int Count)>(StringComparer.Ordinal);
        var known = documents.CommonValues.Zip(documents.CommonFrequencies, (v, f) => (v, f, 2))
            .Concat(documents.Bounds.Select(v => (v, one, 1)));
        foreach (var (value, share, count) in known)
        {
            if (Read(value, keys) is { } element)
            {
                var (old, times) = shares.GetValueOrDefault(element);
                shares[element] = (old + share, times + count);
            }
        }

        var filled = shares.Values.Sum(s => s.Share);
        if (!documents.IsKnown)
        {
            return Unknown;
        }

        if (shares.Count == 0)
        {
            return Unknown with { NullFraction = 1, Distinct = 0, AverageWidth = 1 };
        }

        // Duj1 of analyze.c, on the sample.
        var singles = shares.Values.Count(s => s.Count == 1);
        var sampled = Math.Max(2, documents.Bounds.Count / Math.Max(rest, 1e-6));
        var met = sampled * filled;
        var count1 = met * shares.Count / Math.Max(1e-6, met - singles + (singles * sampled / rows));
        return Unknown with
        {
            AverageWidth = (int)(1 + shares.Sum(s => s.Key.Length * s.Value.Share) / filled),
            NullFraction = 1 - filled,
            Distinct = singles == 0
                ? shares.Count : Math.Min(count1, Math.Min(filled * rows, DistinctValues.Of(column, rows) ?? rows)),
            CommonFrequencies = [.. shares.Values.Where(s => s.Count > 1).Select(s => s.Share).OrderDescending()],
            WidthDeviation = Deviation(shares.Keys),
        };
    }

    private static string? Read(string document, List<string> keys)
    {
        try
        {
            using var parsed = JsonDocument.Parse(document);
            var element = parsed.RootElement;
            foreach (var key in keys)
            {
                if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out var inner))
                {
                    element = inner;
                }
                else
                {
                    return null;
                }
            }

            return element.ValueKind == JsonValueKind.Null ? null : element.ToString();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static double Deviation(IReadOnlyCollection<string> texts)
    {
        var mean = texts.Average(t => (double)t.Length);
        return Math.Sqrt(texts.Average(t => (t.Length - mean) * (t.Length - mean)));
    }

    // Seconds between the least and the greatest known value.
    private static double? Span(ColumnInfo? column)
    {
        var measured = column?.Values is { IsMeasurable: true } values
            ? values.CommonValues.Concat(values.Bounds).Select(values.Measure).OfType<double>().ToList() : [];
        return measured.Count > 1 ? measured.Max() - measured.Min() : null;
    }

    private static double SecondsOf(string unit) => unit switch
    {
        "microseconds" or "milliseconds" or "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "week" => 7 * 86_400,
        "month" => 30 * 86_400,
        "quarter" => 91 * 86_400,
        "year" or "decade" or "century" => 365 * 86_400,
        _ => 86_400,
    };

    [GeneratedRegex(@"->>?|#>>?")]
    private static partial Regex Element();

    [GeneratedRegex(@"(?:->>?|#>>?)\s*'(?<key>[^']*)'")]
    private static partial Regex Step();

    [GeneratedRegex(@"\sIS\s+(NOT\s+)?NULL\)*$|\sIS\s+(NOT\s+)?(TRUE|FALSE)\)*$", RegexOptions.IgnoreCase)]
    private static partial Regex IsTest();

    [GeneratedRegex(@"^date_trunc\('(?<unit>\w+)'", RegexOptions.IgnoreCase)]
    private static partial Regex Truncation();
}

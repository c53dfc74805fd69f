using System.Text.Json;

namespace PerfMonitoring.Common;

/// <summary>
/// Plans as EXPLAIN (FORMAT JSON) writes them. Readers of plans recurse into nodes and conditions, so this class limits the depth
/// of both for all readers.
/// </summary>
internal static class PlanJson
{
    // A node is two levels (an object in a list). A reader needs well under 1 kB of stack for a level, and the stack has at least
    // 1 MB.
    private const int DeepestJson = 512;

    // a || b || c is ((a || b) || c): a few hundred operands occur in practice.
    private const int DeepestExpression = 400;

    /// <summary>The document; the caller disposes it.</summary>
    /// <param name="json">A plan.</param>
    /// <exception cref="PerfMonitoringException">PlanTooDeep.</exception>
    public static JsonDocument Read(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = DeepestJson });
        }
        catch (JsonException e) when (IsDeep(json))
        {
            throw TooDeep($"has more than {DeepestJson / 2} nodes below each other", e);
        }

        try
        {
            CheckExpressions(document.RootElement);
            return document;
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    private static void CheckExpressions(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    CheckExpressions(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    CheckExpressions(item);
                }

                break;
            case JsonValueKind.String when Depth(element.GetString()!) > DeepestExpression:
                throw TooDeep($"has a condition with more than {DeepestExpression} brackets within each other", null);
        }
    }

    // Counts brackets in constants too: the result is a limit, so it need not be exact.
    private static int Depth(string text)
    {
        var (depth, deepest) = (0, 0);
        foreach (var c in text)
        {
            depth += c is '(' or '[' ? 1 : c is ')' or ']' ? -1 : 0;
            deepest = Math.Max(deepest, depth);
        }

        return deepest;
    }

    private static bool IsDeep(string json)
    {
        var reader = new Utf8JsonReader(
            System.Text.Encoding.UTF8.GetBytes(json), new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            if (reader.CurrentDepth >= DeepestJson)
            {
                return true;
            }
        }

        return false;
    }

    private static PerfMonitoringException TooDeep(string what, JsonException? inner) => new(
        ErrorIds.PlanTooDeep, FailureKind.NotSupported, $"The plan of the statement {what}.",
        "Write the statement with less nesting; views count, too.", null, inner);
}

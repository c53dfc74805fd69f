namespace PerfMonitoring.Common;

/// <summary>Finds the known word that a misspelt one is meant to be.</summary>
internal static class NearMatch
{
    /// <summary>The nearest known word; null if none is near.</summary>
    /// <param name="word">The word that is not known.</param>
    /// <param name="known">The words that are known.</param>
    public static string? Of(string word, IEnumerable<string> known)
    {
        // A word may differ in a third of its letters. More is another word.
        var most = Math.Max(1, word.Length / 3);
        return known.Select(k => (Word: k, Distance: Distance(word.ToUpperInvariant(), k.ToUpperInvariant())))
            .Where(k => k.Distance <= most || IsPart(word, k.Word)).OrderBy(k => k.Distance)
            .ThenBy(k => k.Word, StringComparer.Ordinal).FirstOrDefault().Word;
    }

    /// <summary>A part of a message: <c> (is 'x' meant?)</c>, or nothing.</summary>
    public static string Hint(string word, IEnumerable<string> known) =>
        Of(word, known) is { } near ? $" (is '{near}' meant?)" : "";

    // Host for HostName, Databases for Database.
    private static bool IsPart(string word, string known) =>
        word.Length >= 3 && (known.StartsWith(word, StringComparison.OrdinalIgnoreCase)
            || (known.Length >= 3 && word.StartsWith(known, StringComparison.OrdinalIgnoreCase)));

    // Edits of one letter, and swaps of two neighbours (optimal string alignment).
    private static int Distance(string one, string other)
    {
        var rows = new int[one.Length + 1, other.Length + 1];
        for (var i = 0; i <= one.Length; i++)
        {
            rows[i, 0] = i;
        }

        for (var j = 0; j <= other.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= one.Length; i++)
        {
            for (var j = 1; j <= other.Length; j++)
            {
                var change = one[i - 1] == other[j - 1] ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[one.Length, other.Length];
    }
}

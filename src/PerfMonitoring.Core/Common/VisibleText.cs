using System.Collections;
using System.Globalization;
using System.Text;

namespace PerfMonitoring.Common;

/// <summary>
/// Names and texts of other people in a form that is safe on a terminal. Characters that steer the terminal or are invisible
/// (control characters, bidirectional and zero-width characters, line separators, halves of a surrogate pair) are written as in
/// PostgreSQL's E'' strings: <c>\n</c>, <c>\x1B</c>, <c>\u202E</c>. Every view, message and completion uses this class;
/// properties keep the original text.
/// </summary>
public static class VisibleText
{
    /// <summary>One line: line breaks and tabs are escaped too.</summary>
    /// <param name="text">The text; null is empty.</param>
    public static string Line(string? text) => Write(text, keepsLines: false);

    /// <summary>One line of limited length: the middle of a longer text is omitted, since both ends say most.</summary>
    /// <param name="text">The text; null is empty.</param>
    /// <param name="length">The most characters of the text to show.</param>
    public static string Line(string? text, int length) => Line(
        text is null || text.Length <= length
            ? text : $"{text.AsSpan(0, (2 * length) / 3)} ... {text.AsSpan(text.Length - (length / 3))}");

    /// <summary>
    /// A text of several lines, such as a statement or a plan: line breaks stay, and a tab becomes four spaces.
    /// </summary>
    /// <param name="text">The text; null is empty.</param>
    public static string Lines(string? text) => Write(text, keepsLines: true);

    /// <summary>A value for a cell of a view: text is made visible; numbers, times and the like are unchanged.</summary>
    /// <param name="value">The value of a property, or null.</param>
    /// <returns>The value, visible text, an array of these, or null.</returns>
    public static object? Cell(object? value) => value switch
    {
        IEnumerable list and not string => list.Cast<object?>().Select(Single).ToArray(),
        _ => Single(value),
    };

    /// <summary>Whether a character is shown as itself: it does not steer a terminal, and it has a shape.</summary>
    /// <param name="character">Any scalar value.</param>
    public static bool IsVisible(Rune character) =>
        Rune.GetUnicodeCategory(character) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate)
        && !IsIgnorable(character.Value);

    // Unicode's Default_Ignorable_Code_Point outside the category Format: fillers, joiners and selectors without a shape.
    private static bool IsIgnorable(int value) => value is
        0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or (>= 0x2060 and <= 0x206F) or 0x3164
        or (>= 0xFE00 and <= 0xFE0F) or 0xFFA0 or (>= 0xFFF0 and <= 0xFFF8) or (>= 0xE0000 and <= 0xE0FFF);

    private static object? Single(object? value) => value switch
    {
        null => null,
        string text => Line(text),
        IConvertible or TimeSpan or DateTimeOffset or DateOnly or Guid or Version => value,
        _ => Line(value.ToString()),
    };

    private static string Write(string? text, bool keepsLines)
    {
        if (text is null)
        {
            return "";
        }

        StringBuilder? written = null;
        for (var i = 0; i < text.Length;)
        {
            var isWhole = Rune.TryGetRuneAt(text, i, out var character);
            var length = isWhole ? character.Utf16SequenceLength : 1;
            if (isWhole && IsVisible(character))
            {
                written?.Append(text, i, length);
            }
            else
            {
                // A carriage return before a line feed belongs to the line feed.
                var isBreak = text[i] == '\n' || (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n');
                written ??= new StringBuilder(text.Length + 16).Append(text, 0, i);
                if (!keepsLines || !(isBreak || text[i] == '\t'))
                {
                    written.Append(Escape(isWhole ? character.Value : text[i]));
                }
                else if (text[i] != '\r')
                {
                    written.Append(isBreak ? "\n" : "    ");
                }
            }

            i += length;
        }

        return written?.ToString() ?? text;
    }

    private static string Escape(int value) => value switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        <= 0xFF => string.Create(CultureInfo.InvariantCulture, $@"\x{value:X2}"),
        <= 0xFFFF => string.Create(CultureInfo.InvariantCulture, $@"\u{value:X4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $@"\U{value:X8}"),
    };
}

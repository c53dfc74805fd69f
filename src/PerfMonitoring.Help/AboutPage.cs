using System.Text;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Help;

/// <summary>Renders a page about a topic: hand-written Markdown becomes the text of 80 columns that Get-Help shows.</summary>
public static partial class AboutPage
{
    private const int Columns = 80;
    private const string Indent = "    ";

    /// <summary>Renders a page of headings (#, ##, ###), paragraphs, lists (-) and fenced code.</summary>
    /// <exception cref="FormatException">The page does not begin with its name, or has no section SHORT DESCRIPTION; the message
    /// names it.</exception>
    public static string Render(string name, string markdown)
    {
        var lines = markdown.ReplaceLineEndings("\n").Split('\n');
        if (lines[0] != "# " + name || !lines.Contains("## SHORT DESCRIPTION"))
        {
            throw new FormatException($"{name}: it must begin with '# {name}' and have a section '## SHORT DESCRIPTION'");
        }

        var text = new StringBuilder("TOPIC\n").Append(Indent).Append(name).Append('\n');
        var paragraph = new List<string>();
        var isCode = false;
        var isApart = true;
        foreach (var line in lines[1..])
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                Flush();
                text.Append(isCode ? "" : "\n");
                isCode = !isCode;
            }
            else if (isCode)
            {
                text.Append((Indent + line).TrimEnd()).Append('\n');
            }
            else if (line.StartsWith('#'))
            {
                Flush();
                var level = line.TakeWhile(c => c == '#').Count();
                text.Append('\n').Append(level == 2 ? "" : "  ").Append(line[level..].Trim()).Append('\n');
            }
            else if (line.Length == 0 || line.StartsWith("- ", StringComparison.Ordinal))
            {
                Flush();
                if (line.Length > 0)
                {
                    paragraph.Add(line);
                }

                isApart |= line.Length == 0;
            }
            else
            {
                paragraph.Add(line.Trim());
            }
        }

        Flush();
        return text.ToString();

        void Flush()
        {
            if (paragraph.Count > 0)
            {
                var plain = Mark().Replace(Link().Replace(string.Join(' ', paragraph), "$1"), "$1$2");
                var isItem = plain.StartsWith("- ", StringComparison.Ordinal);
                text.Append(isItem && !isApart ? "" : "\n").Append(Wrap(plain, Indent, isItem ? Indent + "  " : Indent));
                paragraph.Clear();
                isApart = false;
            }
        }
    }

    private static string Wrap(string text, string first, string others)
    {
        var result = new StringBuilder();
        var line = first;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Trim().Length > 0 && line.Length + 1 + word.Length > Columns)
            {
                result.Append(line).Append('\n');
                line = others + word;
            }
            else
            {
                line += line.Trim().Length == 0 ? word : " " + word;
            }
        }

        return result.Append(line).Append('\n').ToString();
    }

    [GeneratedRegex(@"\*\*(.+?)\*\*|`([^`]+)`")]
    private static partial Regex Mark();

    [GeneratedRegex(@"\[([^\]]+)\]\([^)]*\)")]
    private static partial Regex Link();
}

using System.Text.RegularExpressions;

namespace PerfMonitoring.Help;

/// <summary>Reads a page in the format of Microsoft.PowerShell.PlatyPS (schema 2024-05-01).</summary>
public static partial class HelpReader
{
    private const string DefaultMark = " (Default)";

    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">A part is missing or malformed; the message names it.</exception>
    public static HelpPage Read(string path)
    {
        var sections = Split(File.ReadAllText(path).ReplaceLineEndings("\n"), "## ");
        var name = Path.GetFileNameWithoutExtension(path);
        return new HelpPage
        {
            Name = name,
            Synopsis = Plain(Section("SYNOPSIS")),
            Syntax = [.. Parts("SYNTAX").Select(p => new HelpSyntax(
                p.Title.EndsWith(DefaultMark, StringComparison.Ordinal) ? p.Title[..^DefaultMark.Length] : p.Title,
                p.Title.EndsWith(DefaultMark, StringComparison.Ordinal),
                Fence().Match(p.Body).Groups["body"].Value.Trim()))],
            Description = Plain(Section("DESCRIPTION")),
            Examples = [.. Parts("EXAMPLES").Select(p => new HelpExample(
                Plain(p.Title),
                string.Join("\n\n", Fence().Matches(p.Body)
                    .Where(m => m.Groups["language"].Value is "powershell" or "")
                    .Select(m => m.Groups["body"].Value.TrimEnd())),
                Plain(ShellFence().Replace(p.Body, ""))))],
            Parameters = [.. Parts("PARAMETERS").Where(p => p.Title != "CommonParameters").Select(Parameter)],
            Inputs = [.. Parts("INPUTS").Select(p => new HelpType(p.Title, Plain(p.Body)))],
            Outputs = [.. Parts("OUTPUTS").Select(p => new HelpType(p.Title, Plain(p.Body)))],
            Notes = Plain(Section("NOTES")),
            Links = [.. Link().Matches(Section("RELATED LINKS")).Select(m => new HelpLink(
                m.Groups["text"].Value,
                m.Groups["address"].Value.StartsWith("http", StringComparison.Ordinal) ? m.Groups["address"].Value : null))],
        };

        string Section(string title) =>
            sections.FirstOrDefault(s => s.Title == title).Body
            ?? throw new FormatException($"{name}: there is no section {title}");
        List<(string Title, string Body)> Parts(string title) => Split(Section(title), "### ");
    }

    private static HelpParameter Parameter((string Title, string Body) part)
    {
        var fence = Fence().Matches(part.Body).LastOrDefault(m => m.Groups["language"].Value == "yaml")
            ?? throw new FormatException($"{part.Title}: there is no yaml block");
        var sets = new List<HelpParameterSet>();
        var single = new Dictionary<string, string>();
        var lists = new Dictionary<string, List<string>>();
        var key = "";
        foreach (var line in fence.Groups["body"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("- Name: ", StringComparison.Ordinal))
            {
                sets.Add(new HelpParameterSet { Name = Scalar(line["- Name: ".Length..]) });
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
            {
                lists.TryAdd(key, []);
                lists[key].Add(Scalar(line[2..]));
            }
            else if (line.StartsWith("  ", StringComparison.Ordinal))
            {
                var (field, value) = Pair(line);
                sets[^1] = field switch
                {
                    "Position" => sets[^1] with { Position = value },
                    "IsRequired" => sets[^1] with { IsRequired = value == "true" },
                    "ValueFromPipeline" => sets[^1] with { ValueFromPipeline = value == "true" },
                    "ValueFromPipelineByPropertyName" => sets[^1] with { ValueFromPipelineByPropertyName = value == "true" },
                    "ValueFromRemainingArguments" => sets[^1] with { ValueFromRemainingArguments = value == "true" },
                    _ => throw new FormatException($"{part.Title}: unknown field {field}"),
                };
            }
            else
            {
                (key, var value) = Pair(line);
                single[key] = value;
            }
        }

        return new HelpParameter
        {
            Name = part.Title.TrimStart('-'),
            Description = Plain(part.Body[..fence.Index]),
            Type = single.GetValueOrDefault("Type") ?? throw new FormatException($"{part.Title}: there is no Type"),
            DefaultValue = single.GetValueOrDefault("DefaultValue") ?? "",
            SupportsWildcards = single.GetValueOrDefault("SupportsWildcards") == "true",
            Aliases = lists.GetValueOrDefault("Aliases") ?? [],
            AcceptedValues = lists.GetValueOrDefault("AcceptedValues") ?? [],
            Sets = sets.Count > 0 ? sets : throw new FormatException($"{part.Title}: there are no ParameterSets"),
        };
    }

    private static (string Key, string Value) Pair(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? throw new FormatException($"'{line}' is not a field") : (line[..colon].Trim(), Scalar(line[(colon + 1)..]));
    }

    private static string Scalar(string text)
    {
        var value = text.Trim();
        return value.Length >= 2 && value[0] is '\'' or '"' && value[^1] == value[0] ? value[1..^1] : value;
    }

    // Headings inside fenced code are code.
    private static List<(string Title, string Body)> Split(string text, string mark)
    {
        var parts = new List<(string, string)>();
        var title = "";
        var body = new List<string>();
        var fenced = false;
        foreach (var line in text.Split('\n'))
        {
            fenced ^= line.StartsWith("```", StringComparison.Ordinal);
            if (!fenced && line.StartsWith(mark, StringComparison.Ordinal))
            {
                Close();
                title = line[mark.Length..].Trim();
            }
            else
            {
                body.Add(line);
            }
        }

        Close();
        return parts;

        void Close()
        {
            if (title.Length > 0)
            {
                parts.Add((title, string.Join('\n', body)));
            }

            body.Clear();
        }
    }

    // Get-Help shows plain text: emphasis is removed, and an address follows the text of its link.
    private static string Plain(string markdown)
    {
        var text = Link().Replace(markdown, m => m.Groups["address"].Value.StartsWith("http", StringComparison.Ordinal)
            ? $"{m.Groups["text"].Value} ({m.Groups["address"].Value})"
            : m.Groups["text"].Value);
        return Emphasis().Replace(FenceMark().Replace(text, ""), "$1").Trim();
    }

    [GeneratedRegex(@"^```(?<language>\w*)[^\n]*\n(?<body>.*?)^```[ \t]*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^```(powershell)?[ \t]*\n.*?^```[ \t]*$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellFence();

    [GeneratedRegex(@"^```\w*[ \t]*\n?", RegexOptions.Multiline)]
    private static partial Regex FenceMark();

    [GeneratedRegex(@"\[(?<text>[^\]]+)\]\((?<address>[^)]*)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?:\*\*|`)([^*`\n]+)(?:\*\*|`)")]
    private static partial Regex Emphasis();
}

using System.Globalization;
using System.Xml.Linq;

namespace PerfMonitoring.Help;

/// <summary>Writes help pages as MAML, the XML that Get-Help reads.</summary>
public static class Maml
{
    private static readonly XNamespace Msh = "http://msh";
    private static readonly XNamespace Text = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace Command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace Dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    /// <summary>All pages as one file.</summary>
    public static XDocument Write(IEnumerable<HelpPage> pages) => new(
        new XElement(Msh + "helpItems", new XAttribute("schema", "maml"), pages.Select(Page)));

    private static XElement Page(HelpPage page) => new(
        Command + "command",
        new XAttribute(XNamespace.Xmlns + "maml", Text),
        new XAttribute(XNamespace.Xmlns + "command", Command),
        new XAttribute(XNamespace.Xmlns + "dev", Dev),
        new XElement(
            Command + "details",
            new XElement(Command + "name", page.Name),
            new XElement(Command + "verb", page.Name.Split('-')[0]),
            new XElement(Command + "noun", page.Name.Split('-')[^1]),
            new XElement(Text + "description", Paragraphs(page.Synopsis))),
        new XElement(Text + "description", Paragraphs(page.Description)),
        new XElement(Command + "syntax", page.Syntax.Select(s => SyntaxItem(page, s))),
        new XElement(
            Command + "parameters",
            page.Parameters.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => Parameter(p, p.Sets[0]))),
        new XElement(
            Command + "inputTypes",
            page.Inputs.Select(
                t => new XElement(
                    Command + "inputType", Type(t.Name), new XElement(Text + "description", Paragraphs(t.Description))))),
        new XElement(
            Command + "returnValues",
            page.Outputs.Select(
                t => new XElement(
                    Command + "returnValue", Type(t.Name), new XElement(Text + "description", Paragraphs(t.Description))))),
        new XElement(Text + "alertSet", new XElement(Text + "alert", Paragraphs(page.Notes))),
        new XElement(Command + "examples", page.Examples.Select(Example)),
        new XElement(Command + "relatedLinks", page.Links.Select(l => new XElement(
            Text + "navigationLink", new XElement(Text + "linkText", l.Text), new XElement(Text + "uri", l.Address)))));

    private static XElement SyntaxItem(HelpPage page, HelpSyntax syntax) => new(
        Command + "syntaxItem",
        new XElement(Text + "name", page.Name),
        page.Parameters
            .Select(p =>
                (Parameter: p, Set: p.Sets.FirstOrDefault(s => s.Name == syntax.SetName || s.Name == HelpParameterSet.All)))
            .Where(p => p.Set is not null)
            .OrderBy(
                p => int.TryParse(p.Set!.Position, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                ? position : int.MaxValue)
            .ThenByDescending(p => p.Set!.IsRequired)
            .ThenBy(p => p.Parameter.Name, StringComparer.Ordinal)
            .Select(p => Parameter(p.Parameter, p.Set!)));

    private static XElement Parameter(HelpParameter parameter, HelpParameterSet set)
    {
        var type = ShortName(parameter.Type);
        var isSwitch = type == "SwitchParameter";
        return new XElement(
            Command + "parameter",
            new XAttribute("required", set.IsRequired ? "true" : "false"),
            new XAttribute("variableLength", type.EndsWith("[]", StringComparison.Ordinal) ? "true" : "false"),
            new XAttribute("globbing", parameter.SupportsWildcards ? "true" : "false"),
            new XAttribute("pipelineInput", Pipeline(set)),
            new XAttribute("position", set.Position == "Named" ? "named" : set.Position),
            new XAttribute("aliases", parameter.Aliases.Count == 0 ? "none" : string.Join(", ", parameter.Aliases)),
            new XElement(Text + "name", parameter.Name),
            new XElement(Text + "description", Paragraphs(parameter.Description)),
            parameter.AcceptedValues.Count == 0 ? null : new XElement(
                Command + "parameterValueGroup",
                parameter.AcceptedValues.Select(v => new XElement(
                    Command + "parameterValue", new XAttribute("required", "false"), new XAttribute("variableLength", "false"),
                    v))),
            isSwitch ? null : new XElement(
                Command + "parameterValue",
                new XAttribute("required", "true"),
                new XAttribute("variableLength", type.EndsWith("[]", StringComparison.Ordinal) ? "true" : "false"), type),
            Type(type),
            new XElement(
                Dev + "defaultValue", parameter.DefaultValue.Length > 0 ? parameter.DefaultValue : isSwitch ? "False" : "None"));
    }

    private static string Pipeline(HelpParameterSet set) => (set.ValueFromPipelineByPropertyName, set.ValueFromPipeline) switch
    {
        (true, true) => "True (ByPropertyName, ByValue)",
        (true, false) => "True (ByPropertyName)",
        (false, true) => "True (ByValue)",
        _ => "False",
    };

    private static XElement Type(string name) => new(Dev + "type", new XElement(Text + "name", name), new XElement(Text + "uri"));

    private static XElement Example(HelpExample example) => new(
        Command + "example",
        new XElement(Text + "title", $"---------- {example.Title} ----------"),
        new XElement(Dev + "code", example.Code),
        new XElement(Dev + "remarks", Paragraphs(example.Remarks)));

    private static IEnumerable<XElement> Paragraphs(string text) => text
        .Split("\n\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Select(p => new XElement(Text + "para", Unwrap(p)));

    // Lists and tables keep their lines; the console wraps prose.
    private static string Unwrap(string paragraph) =>
        paragraph.Split('\n')
            .Any(l =>
                l.TrimStart().StartsWith("- ", StringComparison.Ordinal) || l.StartsWith('|')
                || l.StartsWith("    ", StringComparison.Ordinal))
            ? paragraph
            : paragraph.Replace('\n', ' ');

    private static string ShortName(string type)
    {
        var name = type.StartsWith("System.Nullable`1[", StringComparison.Ordinal) ? type["System.Nullable`1[".Length..^1] : type;
        return name[(name.LastIndexOf('.') + 1)..];
    }
}

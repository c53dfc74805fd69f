using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text.RegularExpressions;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Help;

/// <summary>Compares the help pages with the cmdlets of the staged module.</summary>
public sealed partial class HelpPageTests(ModuleRunspace session) : IClassFixture<ModuleRunspace>
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "en-US");

    public static TheoryData<string> Pages =>
        [.. Directory.EnumerateFiles(Folder, "*-*.md").Select(f => Path.GetFileNameWithoutExtension(f))
            .Order(StringComparer.Ordinal)];

    [Fact]
    public void Every_cmdlet_has_a_page_and_every_page_a_cmdlet()
    {
        var names = session.Invoke("(Get-Command -Module PerfMonitoring).Name")
            .MustSucceed().Output.Select(o => (string)o.BaseObject);

        Assert.Equal(names.Order(StringComparer.Ordinal), Pages.Select(p => p.Data));
    }

    [Theory]
    [InlineData("about_PerfMonitoring")]
    [InlineData("about_PerfMonitoring_Fleet")]
    [InlineData("about_PerfMonitoring_Configuration")]
    [InlineData("about_PerfMonitoring_Security")]
    [InlineData("about_PerfMonitoring_Testing")]
    public void A_topic_is_text_that_fits_a_console(string name)
    {
        var text = session.Invoke("Get-Help $args[0]", name).Only().ToString();

        Assert.StartsWith($"TOPIC\n    {name}\n\nSHORT DESCRIPTION\n", text.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.All(text.ReplaceLineEndings("\n").Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.DoesNotContain("**", text, StringComparison.Ordinal);
        Assert.DoesNotContain("```", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_parameters_are_those_of_the_cmdlet(string name)
    {
        var command = Command(name);

        var documented = HelpReader.Read(PathOf(name)).Parameters.SelectMany(p => p.Sets.Select(s => string.Join(
            " | ", p.Name, p.Type, s.Name, s.Position, s.IsRequired ? "required" : "optional",
            s.ValueFromPipeline ? "value" : "", s.ValueFromPipelineByPropertyName ? "property" : "",
            s.ValueFromRemainingArguments ? "rest" : "",
            string.Join(',', p.Aliases.Order(StringComparer.Ordinal)), p.SupportsWildcards ? "wildcards" : "")));

        Assert.Equal(Real(command).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Online_help_is_the_page(string name)
    {
        var uri = (string)session.Invoke("(Get-Command $args[0]).HelpUri", name).Only().BaseObject;

        Assert.Equal($"{name}.md", new Uri(uri).Segments[^1]);
        Assert.Contains($"HelpUri: {uri}\n", File.ReadAllText(PathOf(name)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_syntax_is_that_of_the_cmdlet(string name)
    {
        var command = Command(name);
        var page = HelpReader.Read(PathOf(name));

        var real = command.ParameterSets.Select(s => $"{SetName(s.Name)} {command.ParameterSets.Count > 1 && s.IsDefault}: "
            + string.Join(' ', s.Parameters.Select(p => p.Name).Where(IsOwn).Order(StringComparer.Ordinal)));
        var documented = page.Syntax.Select(s => $"{SetName(s.SetName)} {s.IsDefault}: "
            + string.Join(
                ' ', SyntaxName().Matches(s.Text).Select(m => m.Groups[1].Value).Where(n => n != "CommonParameters")
                .Order(StringComparer.Ordinal)));

        Assert.Equal(real.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
        Assert.All(page.Syntax, s => Assert.StartsWith(name, s.Text, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Nothing_is_left_to_fill_in(string name)
    {
        var page = HelpReader.Read(PathOf(name));

        Assert.DoesNotContain("{{", File.ReadAllText(PathOf(name)), StringComparison.Ordinal);
        Assert.NotEmpty(page.Synopsis);
        Assert.NotEmpty(page.Description);
        Assert.All(page.Parameters, p => Assert.NotEmpty(p.Description));
        Assert.True(page.Examples.Count >= 2, $"{page.Examples.Count} example(s)");
        Assert.All(page.Examples, e => Assert.NotEmpty(e.Remarks));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Its_types_are_those_of_the_cmdlet(string name)
    {
        var command = Command(name);
        var page = HelpReader.Read(PathOf(name));
        var outputs = command.OutputType.Select(t => t.Name).Where(t => t != typeof(void).FullName);

        Assert.Equal(
            outputs.Order(StringComparer.Ordinal),
            page.Outputs.Select(t => t.Name).Where(t => t is not ("None" or "System.Void")).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void The_examples_are_PowerShell_that_can_run(string name)
    {
        Assert.All(HelpReader.Read(PathOf(name)).Examples, example =>
        {
            var script = Parser.ParseInput(example.Code, out _, out var errors);
            Assert.Empty(errors.Select(e => $"{example.Title}: {e.Message}"));
            var commands = script.FindAll(a => a is CommandAst, searchNestedScriptBlocks: true).Cast<CommandAst>().ToList();
            Assert.Contains(commands, c => c.GetCommandName() == name);
            foreach (var command in commands)
            {
                var info = session.Invoke(
                    "Get-Command -Name $args[0] -Module PerfMonitoring -ErrorAction Ignore", command.GetCommandName()).Output;
                var used = command.CommandElements.OfType<CommandParameterAst>().Select(p => p.ParameterName);
                if (info.Count == 1)
                {
                    Assert.All(used, p => Assert.Contains(p, ((CmdletInfo)info[0].BaseObject).Parameters.Keys));
                }
                else
                {
                    Assert.False(
                        command.GetCommandName()?.Contains("Perf", StringComparison.Ordinal) == true
                        && command.GetCommandName().Contains('-', StringComparison.Ordinal),
                        $"{command.GetCommandName()} is no cmdlet of the module");
                }
            }
        });
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Get_Help_shows_it(string name)
    {
        var page = HelpReader.Read(PathOf(name));

        var help = session.Invoke("Get-Help -Name $args[0] -Full", name).Only();

        Assert.Equal(page.Synopsis.ReplaceLineEndings(" "), help.Properties["Synopsis"].Value.ToString()!.Trim());
        var examples = (object[])((PSObject)help.Properties["examples"].Value).Properties["example"].Value;
        Assert.Equal(
            page.Examples.Select(e => e.Code),
            examples.Select(e => (string)((PSObject)((PSObject)e).Properties["code"].Value).BaseObject));
    }

    private static string PathOf(string name) => Path.Combine(Folder, name + ".md");

    private static string SetName(string name) => name is "__AllParameterSets" ? HelpParameterSet.All : name;

    private static bool IsOwn(string parameter) => !Cmdlet.CommonParameters.Contains(parameter);

    private static IEnumerable<string> Real(CmdletInfo command) =>
        command.Parameters.Values.Where(p => IsOwn(p.Name)).SelectMany(p => p.ParameterSets.Select(s => string.Join(
        " | ", p.Name, p.ParameterType, SetName(s.Key),
        s.Value.Position == int.MinValue ? "Named" : s.Value.Position.ToString(System.Globalization.CultureInfo.InvariantCulture),
        s.Value.IsMandatory ? "required" : "optional",
        s.Value.ValueFromPipeline ? "value" : "", s.Value.ValueFromPipelineByPropertyName ? "property" : "",
        s.Value.ValueFromRemainingArguments ? "rest" : "",
        string.Join(',', p.Aliases.Order(StringComparer.Ordinal)),
        p.Attributes.Any(a => a is SupportsWildcardsAttribute) ? "wildcards" : "")));

    private CmdletInfo Command(string name) =>
        (CmdletInfo)session.Invoke("Get-Command -Name $args[0] -Module PerfMonitoring", name).Only().BaseObject;

    [GeneratedRegex(@"(?<=[\s\[])-(\w+)")]
    private static partial Regex SyntaxName();
}

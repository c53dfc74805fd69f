using PerfMonitoring.Help;

if (args is not [var pages, var output])
{
    Console.Error.WriteLine("usage: PerfMonitoring.Help <folder of pages> <MAML file>");
    return 2;
}

try
{
    var folder = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!).FullName;
    Maml.Write(Directory.EnumerateFiles(pages, "*-*.md").Order(StringComparer.Ordinal).Select(HelpReader.Read)).Save(output);
    foreach (var page in Directory.EnumerateFiles(pages, "about_*.md"))
    {
        var name = Path.GetFileNameWithoutExtension(page);
        File.WriteAllText(Path.Combine(folder, name + ".help.txt"), AboutPage.Render(name, File.ReadAllText(page)));
    }

    return 0;
}
catch (FormatException e)
{
    // The build recognizes this format and shows it as a build error.
    Console.Error.WriteLine($"{pages}: error HELP0001: {e.Message}");
    return 1;
}

using PerfMonitoring.Help;

if (args is not [var pages, var output])
{
    Console.Error.WriteLine("usage: PerfMonitoring.Help <folder of pages> <MAML file>");
    return 2;
}

try
{
    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
    Maml.Write(Directory.EnumerateFiles(pages, "*-*.md").Order(StringComparer.Ordinal).Select(HelpReader.Read)).Save(output);
    return 0;
}
catch (FormatException e)
{
    // In the form that the build shows as an error of its own.
    Console.Error.WriteLine($"{pages}: error HELP0001: {e.Message}");
    return 1;
}

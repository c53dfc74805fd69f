using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Architecture;

/// <summary>The files that people write: not what a build makes of them.</summary>
internal static class SourceFiles
{
    /// <summary>The paths of the files of a folder and those below it.</summary>
    /// <param name="folder">The folder, as seen from the root of the repository.</param>
    /// <param name="pattern">Their names, such as *.cs.</param>
    public static IEnumerable<string> In(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), pattern, SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar)
                .Intersect(["obj", "bin"]).Any());
}

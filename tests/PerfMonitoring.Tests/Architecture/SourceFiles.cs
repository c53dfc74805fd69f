using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Architecture;

/// <summary>The hand-written files, without the output of a build.</summary>
internal static class SourceFiles
{
    /// <summary>The paths of the files of a folder and its subfolders.</summary>
    /// <param name="folder">The folder, relative to the root of the repository.</param>
    /// <param name="pattern">The pattern of their names, such as *.cs.</param>
    public static IEnumerable<string> In(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), pattern, SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar)
                .Intersect(["obj", "bin"]).Any());
}

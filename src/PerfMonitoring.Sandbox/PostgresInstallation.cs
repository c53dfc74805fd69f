using System.Globalization;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Sandbox;

/// <summary>A folder with PostgreSQL's server programs.</summary>
public sealed partial record PostgresInstallation(string BinDirectory, int MajorVersion)
{
    /// <summary>The variable that names a folder whose programs are preferred over all others.</summary>
    public const string BinVariable = "PERFMONITORING_PGBIN";

    private static readonly string[] LibraryFolders = ["../lib", "../lib/postgresql"];
    private static readonly string[] LibrarySuffixes = [".so", ".dylib", ".dll"];

    /// <summary>
    /// Finds the installation of a major version, or the newest one. The folder in PERFMONITORING_PGBIN is searched first, then
    /// PATH, then the folders of Debian, Homebrew and Windows, then packages that <see cref="EmbeddedPostgres"/> has fetched.
    /// </summary>
    /// <returns>Null if there is none.</returns>
    public static PostgresInstallation? Find(int? majorVersion = null)
    {
        var preferred = new[] { Environment.GetEnvironmentVariable(BinVariable) }
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator));

        return Inspect(preferred).FirstOrDefault(found => majorVersion is null || found.MajorVersion == majorVersion)
            ?? Inspect(UsualDirectories())
                .Where(found => majorVersion is null || found.MajorVersion == majorVersion)
                .MaxBy(found => found.MajorVersion)
            ?? (majorVersion is null ? null : Inspect([EmbeddedPostgres.BinDirectory(majorVersion.Value)]).FirstOrDefault());
    }

    /// <summary>The path of a program, such as <c>pgbench</c>.</summary>
    /// <returns>Null if this installation does not have it.</returns>
    public string? Tool(string name)
    {
        var path = Path.Combine(BinDirectory, OperatingSystem.IsWindows() ? name + ".exe" : name);
        return File.Exists(path) ? path : null;
    }

    /// <summary>Whether a library can be preloaded, such as <c>auto_explain</c>.</summary>
    public bool HasLibrary(string name) =>
        LibraryFolders.Any(
            folder => LibrarySuffixes.Any(suffix => File.Exists(Path.Combine(BinDirectory, folder, name + suffix))));

    private static IEnumerable<PostgresInstallation> Inspect(IEnumerable<string?> directories) =>
        from directory in directories
        where !string.IsNullOrWhiteSpace(directory)
        let found = Inspect(directory)
        where found is not null
        select found;

    private static PostgresInstallation? Inspect(string directory)
    {
        var found = new PostgresInstallation(directory, 0);
        if (found.Tool("initdb") is null || found.Tool("pg_ctl") is null || found.Tool("postgres") is not { } server)
        {
            return null;
        }

        // A link on the PATH leads to the folder of the other programs and the libraries.
        if (File.ResolveLinkTarget(server, returnFinalTarget: true) is { } target)
        {
            found = found with { BinDirectory = Path.GetDirectoryName(target.FullName)! };
        }

        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"; a server that cannot print its version is not usable.
        var (exitCode, output) = ServerProgram.Run(server, ["--version"]);
        var version = VersionText().Match(output);
        return exitCode == 0 && version.Success
            ? found with { MajorVersion = int.Parse(version.Groups[1].ValueSpan, CultureInfo.InvariantCulture) }
            : null;
    }

    private static IEnumerable<string> UsualDirectories() =>
        from pattern in new[]
        {
            (Root: "/usr/lib/postgresql", Name: "*"),
            (Root: "/opt/homebrew/opt", Name: "postgresql*"),
            (Root: "/usr/local/opt", Name: "postgresql*"),
            (Root: Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), Name: "*"),
        }
        where Directory.Exists(pattern.Root)
        from directory in Directory.EnumerateDirectories(pattern.Root, pattern.Name)
        select Path.Combine(directory, "bin");

    [GeneratedRegex(@"\(PostgreSQL\) (\d+)")]
    private static partial Regex VersionText();
}

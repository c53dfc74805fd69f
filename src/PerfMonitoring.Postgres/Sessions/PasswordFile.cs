using System.Globalization;
using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>libpq's password file (manual, 34.16), read as libpq reads it.</summary>
internal static class PasswordFile
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>The reason why a password file is not read, or null. A missing file is not a problem.</summary>
    public static string? WhyNot(string path)
    {
        if (Directory.Exists(path))
        {
            return $"The password file {path} is not a plain file, so it is ignored.";
        }

        return File.Exists(path) && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0
            ? $"The password file {path} has group or world access, so it is ignored; its permissions should be u=rw (0600) "
                + $"or less: chmod 600 {path}"
            : null;
    }

    /// <summary>The password of the first matching line, or null.</summary>
    /// <param name="path">The file.</param>
    /// <param name="host">The host name, or its address if it has no name; null for a default socket's folder.</param>
    /// <param name="port">The port.</param>
    /// <param name="database">The database.</param>
    /// <param name="user">The role.</param>
    public static string? Find(string path, string host, int port, string database, string user)
    {
        string[] wanted = [host, port.ToString(CultureInfo.InvariantCulture), database, user];
        // A line ends only at a line feed, and a carriage return before it is removed. A password may contain any other
        // character, also spaces at its end.
        foreach (var text in Read(path).Split('\n'))
        {
            var line = text.TrimEnd('\r');
            if (line.StartsWith('#') || Match(line, wanted) is not { } rest)
            {
                continue;
            }

            return rest;
        }

        return null;
    }

    /// <summary>The hosts of all lines, without wildcards.</summary>
    public static IReadOnlyList<string> Hosts(string path) =>
        WhyNot(path) is not null ? [] : [.. Read(path).Split('\n').Where(l => l.Length > 0 && !l.StartsWith('#')).Select(HostOf)
            .Where(h => h.Length > 0 && h != "*")];

    private static string HostOf(string line)
    {
        var at = 0;
        return ReadField(line.TrimEnd('\r'), ref at);
    }

    // libpq also ignores a file that it cannot read.
    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string? Match(string line, string[] wanted)
    {
        var at = 0;
        foreach (var value in wanted)
        {
            if (string.CompareOrdinal(line, at, "*:", 0, 2) == 0)
            {
                at += 2;
            }
            else if (ReadField(line, ref at) != value || at == line.Length)
            {
                return null;
            }
            else
            {
                at++;
            }
        }

        return ReadField(line, ref at);
    }

    // Reads up to a colon or the end. A backslash escapes the next character.
    private static string ReadField(string line, ref int at)
    {
        var field = new StringBuilder();
        for (; at < line.Length && line[at] != ':'; at++)
        {
            if (line[at] == '\\' && at + 1 < line.Length)
            {
                at++;
            }

            field.Append(line[at]);
        }

        return field.ToString();
    }
}

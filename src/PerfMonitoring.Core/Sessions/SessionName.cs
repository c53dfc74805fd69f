using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Names of sessions.</summary>
internal static class SessionName
{
    /// <summary>
    /// Removes wildcards and invisible characters from a name, so that a user can type it and it is not a pattern.
    /// </summary>
    public static string Plain(string name) =>
        string.Concat(
            name.EnumerateRunes()
            .Select(c => VisibleText.IsVisible(c) && c.Value is not ('*' or '?' or '[' or ']' or '`') ? c.ToString() : "_"))
            .Trim();

    /// <summary>A name for a database without a better one; never empty.</summary>
    public static string Of(string text) => Plain(text) is { Length: > 0 } plain ? plain : "session";

    /// <summary>Checks a name that a user gave.</summary>
    /// <param name="name">The name.</param>
    /// <param name="origin">What gave it: -Name, or a key of an inventory.</param>
    /// <exception cref="PerfMonitoringException">InvalidSessionName.</exception>
    public static void Check(string name, string origin)
    {
        if (Plain(name) != name || name.Length == 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidSessionName, FailureKind.InvalidArgument,
                $"{origin} '{name}' cannot be a session's name: it holds a wildcard or what cannot be seen.",
                "Choose a name without *, ?, [, ], a backtick, control characters and blanks at its ends.", name);
        }
    }

    /// <summary>The name, or the name with the next free number.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isTaken">Whether a name is taken.</param>
    public static string Free(string name, Func<string, bool> isTaken)
    {
        var free = name;
        for (var i = 2; isTaken(free); i++)
        {
            free = $"{name}-{i}";
        }

        return free;
    }
}

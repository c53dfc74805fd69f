using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>The message for a role that may not read the statements of other roles.</summary>
internal static class Hidden
{
    public static string Message(long statements, string userName) =>
        $"{statements} statement(s) of other roles are hidden from {userName}. To see them run: GRANT pg_read_all_stats TO "
            + $"{Identifier.Quote(userName)};";
}

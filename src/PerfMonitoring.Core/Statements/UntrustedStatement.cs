using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>
/// A statement that was not planned because planning could have run code of a role that is less trusted than the session's.
/// </summary>
/// <param name="QueryHash">Fingerprint of the statement.</param>
/// <param name="Query">The beginning of the query.</param>
/// <param name="Reason">The code that could run, and its owner.</param>
public sealed record UntrustedStatement(string QueryHash, string Query, string Reason)
{
    /// <summary>No statement.</summary>
    public UntrustedStatement()
        : this("", "", "")
    {
    }

    /// <summary>Characters of a query that are shown.</summary>
    private const int ShownLength = 60;

    /// <summary>The beginning of the query, and the reason.</summary>
    public override string ToString() => ShortText.Of($"{ShortText.OfQuery(Query)}: {Reason}");

    /// <summary>Creates one for a statement.</summary>
    /// <param name="queryHash">Fingerprint of the statement.</param>
    /// <param name="normalized">The normal form, which has no constants.</param>
    /// <param name="reason">The code that could run, and its owner.</param>
    public static UntrustedStatement Of(string queryHash, string normalized, string reason)
    {
        ArgumentNullException.ThrowIfNull(normalized);
        ArgumentNullException.ThrowIfNull(reason);
        var end = normalized.Length <= ShownLength ? normalized.Length
            : char.IsHighSurrogate(normalized[ShownLength - 1]) ? ShownLength - 1 : ShownLength;
        return new UntrustedStatement(queryHash, normalized[..end] + (end < normalized.Length ? "..." : ""), reason.TrimEnd('.'));
    }

    /// <summary>One warning for all statements of a run.</summary>
    /// <param name="statements">The statements; at least one.</param>
    /// <param name="consequence">What does not happen to them: "get no advice".</param>
    public static string Describe(IReadOnlyCollection<UntrustedStatement> statements, string consequence)
    {
        ArgumentNullException.ThrowIfNull(statements);
        var named = string.Join("; ", statements.Select(s => $"{s.Query}: {s.Reason}"));
        return string.Create(CultureInfo.InvariantCulture, $"{statements.Count} statement(s) {consequence}: {named}");
    }
}

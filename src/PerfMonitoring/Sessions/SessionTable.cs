using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>The open sessions of one runspace. A runspace does not see the sessions of others.</summary>
internal sealed class SessionTable
{
    private static readonly ConditionalWeakTable<Runspace, SessionTable> Tables = [];

    private readonly List<PerfMonitoringSession> sessions = [];

    /// <summary>The table of the runspace whose pipeline this thread runs.</summary>
    public static SessionTable Current => Tables.GetOrCreateValue(
        Runspace.DefaultRunspace ?? throw new InvalidOperationException("This thread has no runspace."));

    public IReadOnlyList<PerfMonitoringSession> All => sessions;

    public PerfMonitoringSession? Default => sessions.Find(s => s.IsDefault);

    public PerfMonitoringSession? Find(string name) =>
        sessions.Find(s => string.Equals(s.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The session for a <c>-Session</c> argument: an object, a name, or null for the default.</summary>
    /// <exception cref="PerfMonitoringException">NotConnected, SessionNotFound, SessionNotLive.</exception>
    public PerfMonitoringSession Resolve(PSObject? sessionOrName) => sessionOrName?.BaseObject switch
    {
        null => Default ?? throw Errors.NotConnected(),
        PerfMonitoringSession { Connection: null } => throw Errors.SessionNotLive(sessionOrName),
        PerfMonitoringSession given => given,
        PSCustomObject or IDictionary => throw Errors.SessionNotLive(sessionOrName),
        var name => Find(name.ToString()!) ?? throw Errors.SessionNotFound(name.ToString()!),
    };

    /// <summary>
    /// The open sessions for arguments: objects, names, and patterns of names, each session once, in this order. A name must
    /// exist; patterns may find nothing as long as any session is found.
    /// </summary>
    /// <exception cref="PerfMonitoringException">SessionNotFound, SessionNotLive, SessionClosed.</exception>
    public List<PerfMonitoringSession> FindAll(PSObject[] given)
    {
        var found = given.SelectMany(Find).Distinct().ToList();
        return found.Find(s => !s.IsOpen) is { } closed ? throw Errors.SessionClosed(closed.Name)
            : found.Count > 0 ? found
            : throw Errors.SessionNotFound(string.Join("', '", given.Select(g => g.ToString())));
    }

    /// <summary>The sessions for one argument, open or not; a pattern may find none.</summary>
    /// <exception cref="PerfMonitoringException">SessionNotFound, SessionNotLive.</exception>
    public IReadOnlyList<PerfMonitoringSession> Find(PSObject given) => given.BaseObject switch
    {
        string text when new NamePattern(text) is { IsPattern: true } pattern => [
            .. sessions.Where(s => pattern.Matches(s.Name))],
        // (Get-PerfMonitoringSession prod*), test1
        object?[] list => [.. list.SelectMany(g => Find(PSObject.AsPSObject(g ?? "")))],
        _ => [Resolve(given)],
    };

    public void Add(PerfMonitoringSession session, bool makeDefault)
    {
        sessions.Add(session);
        Compare();
        if (makeDefault || Default is null)
        {
            SetDefault(session);
        }
    }

    public void Remove(PerfMonitoringSession session)
    {
        session.IsOpen = false;
        session.IsDefault = false;
        sessions.Remove(session);
        Compare();
        if (Default is null && sessions.Count > 0)
        {
            SetDefault(sessions[^1]);
        }
    }

    public string SuggestName(string database)
    {
        var first = Plain(database) is { Length: > 0 } plain ? plain : "session";
        var name = first;
        for (var i = 2; Find(name) is not null; i++)
        {
            name = $"{first}-{i}";
        }

        return name;
    }

    /// <summary>
    /// Removes wildcards and invisible characters from a name, so that a user can type it and it is not a pattern.
    /// </summary>
    public static string Plain(string name) =>
        string.Concat(
            name.EnumerateRunes()
            .Select(c => VisibleText.IsVisible(c) && c.Value is not ('*' or '?' or '[' or ']' or '`') ? c.ToString() : "_"))
            .Trim();

    private void Compare()
    {
        var many = sessions.Exists(s => s.Target.ToString() != sessions[0].Target.ToString());
        sessions.ForEach(s => s.IsOneOfMany = many);
    }

    private void SetDefault(PerfMonitoringSession session)
    {
        foreach (var other in sessions)
        {
            other.IsDefault = ReferenceEquals(other, session);
        }
    }
}

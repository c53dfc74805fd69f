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

    // The last one is the default. The one before it takes its place when it is closed.
    private readonly List<PerfMonitoringSession> defaults = [];

    /// <summary>The table of the runspace whose pipeline this thread runs.</summary>
    public static SessionTable Current => Tables.GetOrCreateValue(
        Runspace.DefaultRunspace ?? throw new InvalidOperationException("This thread has no runspace."));

    public IReadOnlyList<PerfMonitoringSession> All => sessions;

    /// <summary>The session of cmdlets without -Session. Null where only fleets were connected: none of them is meant.</summary>
    public PerfMonitoringSession? Default => defaults.Count > 0 ? defaults[^1] : null;

    public PerfMonitoringSession? Find(string name) =>
        sessions.Find(s => string.Equals(s.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The session for a <c>-Session</c> argument: an object, a name, or null for the default.</summary>
    /// <exception cref="PerfMonitoringException">
    /// NotConnected, NoDefaultSession, SessionNotFound, SessionNotLive.
    /// </exception>
    public PerfMonitoringSession Resolve(PSObject? sessionOrName) => sessionOrName?.BaseObject switch
    {
        null => Default ?? throw (sessions.Count == 0 ? Errors.NotConnected() : Errors.NoDefaultSession(sessions.Count)),
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
        if (makeDefault)
        {
            MakeDefault(session);
        }
    }

    public void MakeDefault(PerfMonitoringSession session)
    {
        defaults.Remove(session);
        defaults.Add(session);
        ShowDefault();
    }

    public void Remove(PerfMonitoringSession session)
    {
        session.IsOpen = false;
        session.IsDefault = false;
        sessions.Remove(session);
        defaults.Remove(session);
        Compare();
        ShowDefault();
    }

    private void Compare()
    {
        var many = sessions.Exists(s => s.Target.ToString() != sessions[0].Target.ToString());
        sessions.ForEach(s => s.IsOneOfMany = many);
    }

    private void ShowDefault()
    {
        foreach (var session in sessions)
        {
            session.IsDefault = ReferenceEquals(session, Default);
        }
    }
}

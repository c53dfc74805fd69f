using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Names, groups, tags and hosts of the inventory that was typed; without one, those of the open sessions, and hosts of libpq's
/// files.
/// </summary>
public sealed class FleetCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound)
    {
        if (bound["Inventory"] is string path)
        {
            var inventory = InventoryFile.Read(FullPath(path));
            return Word.Choices(typed, parameter switch
            {
                "Group" => inventory.Groups.Select(g => (g, $"Group {g}")),
                "Tag" => inventory.Servers.SelectMany(s => s.Tags).Select(t => (t, $"Tag {t}")),
                "Name" => inventory.Servers.Where(s => s.Name is not null).Select(s => (s.Name!, $"Server {s.Label}")),
                _ => inventory.Servers.Where(s => s.Settings.HostName is not null)
                    .Select(s => (s.Settings.HostName!, $"Server {s.Label}")),
            });
        }

        var sessions = SessionTable.Current.All;
        return Word.Choices(typed, parameter switch
        {
            "Group" => sessions.Where(s => s.Group is not null).Select(s => (s.Group!, $"Group {s.Group}")),
            "Tag" => sessions.SelectMany(s => s.Tags).Select(t => (t, $"Tag {t}")),
            "HostName" or "StoreHostName" => sessions.Select(s => (s.HostName, $"{s.Target}"))
                .Concat(Backend.Get().GetKnownHosts().Select(h => (h, "pgpass or a connection service"))),
            _ => [],
        });
    }

    // While a completer runs, a script is the one way to the session's drives and its location.
    private static string FullPath(string path) => (string)ScriptBlock
        .Create("param($path) $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($path)")
        .Invoke(path)[0].BaseObject;
}

/// <summary>Databases of a server with an open session: the host that was typed, or the default session's.</summary>
public sealed class DatabaseCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound)
    {
        var host = (bound["HostName"] is object[] { Length: > 0 } hosts ? hosts[0] : bound["HostName"]) as string;
        var session = host is null ? SessionTable.Current.Default
            : SessionTable.Current.All.FirstOrDefault(s => string.Equals(s.HostName, host, StringComparison.OrdinalIgnoreCase)
                && (bound["Port"] is not int port || port == s.Port));
        return Word.Choices(
            typed, Lookup.Ask(session, (connection, token) => connection.FindDatabasesAsync(["*"], token))
                .Select(d => (d, $"Database {d}")));
    }
}

/// <summary>Names of libpq's connection services.</summary>
public sealed class ServiceCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) =>
        Word.Choices(typed, Backend.Get().GetServiceNames().Select(s => (s, $"Connection service {s}")));
}

/// <summary>libpq's modes of encryption.</summary>
public sealed class SslModeCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) =>
        Word.Choices(typed, ConnectionSettings.SslModes.Select(m => (m, $"SSL mode {m}")));
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Chooses servers of an inventory by name, host, group and tag.</summary>
internal static class FleetSelection
{
    /// <summary>
    /// The servers that match each of the filters; of one filter, one of its names is enough. A name without wildcards must be
    /// there.
    /// </summary>
    /// <param name="inventory">The inventory.</param>
    /// <param name="origin">Where it comes from, for an error.</param>
    /// <param name="filters">Parameters and their names; null for a parameter that was not given.</param>
    /// <exception cref="PerfMonitoringException">InventoryEntryNotFound.</exception>
    public static List<InventoryServer> Choose(
        Inventory inventory, string origin, params (string Parameter, string[]? Names)[] filters)
    {
        IEnumerable<InventoryServer> chosen = inventory.Servers;
        foreach (var (parameter, names) in filters)
        {
            if (NamePattern.Of(names) is not { } patterns)
            {
                continue;
            }

            var known = inventory.Servers.SelectMany(s => Values(s, parameter))
                .Concat(parameter == "Group" ? inventory.Groups : []).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
            foreach (var pattern in patterns.Where(p => !p.IsPattern && !known.Exists(p.Matches)))
            {
                throw new PerfMonitoringException(
                    ErrorIds.InventoryEntryNotFound, FailureKind.NotFound,
                    $"-{parameter} '{pattern.Name}' is not in {origin}{NearMatch.Hint(pattern.Name, known)}.",
                    known.Count == 0 ? $"No server there has one: leave -{parameter} out."
                        : $"There are {string.Join(", ", known.Take(20))}{(known.Count > 20 ? " and others" : "")}.",
                    pattern.Name);
            }

            chosen = chosen.Where(s => Values(s, parameter).Any(v => Array.Exists(patterns, p => p.Matches(v))));
        }

        return [.. chosen];
    }

    /// <summary>
    /// Checks the settings of the servers, and that no connection string holds a password. Nothing is connected.
    /// </summary>
    /// <param name="servers">The servers and what will be asked of them.</param>
    /// <param name="origin">Where they come from, for an error.</param>
    /// <exception cref="PerfMonitoringException">PasswordInInventory, and as <see cref="IMonitoringBackend.Resolve"/>.
    /// </exception>
    public static void Check(IEnumerable<(InventoryServer Server, ConnectionRequest Request)> servers, string origin)
    {
        foreach (var (server, request) in servers)
        {
            try
            {
                ConnectionSettings?[] all = [request.Settings, request.Store.AsStoreOf(request.Settings)];
                if (all.OfType<ConnectionSettings>().Any(s => Backend.Get().Resolve(s).HoldsPassword))
                {
                    throw new PerfMonitoringException(
                        ErrorIds.PasswordInInventory, FailureKind.Security,
                        "its connection string holds a password: whoever can read the file can log in.",
                        "Leave it to pgpass, or name a command that gives a credential: CredentialCommand.");
                }
            }
            catch (PerfMonitoringException e)
            {
                throw new PerfMonitoringException(
                    e.ErrorId, e.Kind, $"{origin}: server '{server.Label}': {e.Message}", e.Remedy, origin, e);
            }
        }
    }

    private static IEnumerable<string> Values(InventoryServer server, string parameter) => parameter switch
    {
        "Name" => new[] { server.Name }.OfType<string>(),
        "HostName" => new[] { server.Settings.HostName }.OfType<string>(),
        "Group" => new[] { server.Group }.OfType<string>(),
        _ => server.Tags,
    };
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>The parameters that say which servers are meant and how their sessions are called, without an inventory.</summary>
internal sealed record ServerParameters
{
    private static readonly char[] BetweenTags = [',', ';'];

    public required string[]? HostName { get; init; }

    public required string[]? Service { get; init; }

    public required string[]? ConnectionString { get; init; }

    public required int? Port { get; init; }

    public required string[]? Name { get; init; }

    public required string[]? Group { get; init; }

    public required string[]? Tag { get; init; }

    /// <summary>Whether they come from an object of the pipeline.</summary>
    public required bool IsPiped { get; init; }

    /// <summary>The servers; without an address the one that libpq would take.</summary>
    /// <exception cref="PerfMonitoringException">ServerGivenTwice, ObjectIncomplete, InvalidSessionName, InvalidArgument,
    /// InvalidConnectionSetting, ServiceNotFound, ServiceFileUnreadable.</exception>
    public IReadOnlyList<InventoryServer> Read()
    {
        (string Parameter, string[]? Values)[] ways =
            [(nameof(HostName), HostName), (nameof(Service), Service), (nameof(ConnectionString), ConnectionString)];
        var given = ways.Select(w => (w.Parameter, Values: Filled(w.Values))).Where(w => w.Values.Length > 0).ToList();
        if (given.Count > 1)
        {
            throw new PerfMonitoringException(
                ErrorIds.ServerGivenTwice, FailureKind.InvalidArgument,
                $"-{given[1].Parameter} cannot be used together with -{given[0].Parameter}: each says where the server is.",
                "Write one of them.", given[1].Parameter);
        }

        // A cell of a file that is empty by mistake must not mean the server of PGHOST.
        if (given.Count == 0 && IsPiped && Array.Exists(ways, w => w.Values is not null))
        {
            throw Errors.ObjectIncomplete(
                "An object of the pipeline does not say which server it is: its HostName is empty.",
                "Fill it in, or leave the object out.", nameof(HostName));
        }

        if (given.Count == 0)
        {
            return [Server(new ConnectionSettings(), null, 1)];
        }

        var (parameter, values) = given[0];
        if (parameter == nameof(Service))
        {
            var services = values.SelectMany(ServicesLike).Distinct(StringComparer.Ordinal).ToList();
            return [.. services.Select(s => Server(new ConnectionSettings { Service = s }, SessionName.Of(s), services.Count))];
        }

        return [.. values.Select(v => Server(
            parameter == nameof(HostName)
                ? new ConnectionSettings { HostName = v } : new ConnectionSettings { ConnectionString = v },
            null, values.Length))];
    }

    /// <summary>A port, or null.</summary>
    /// <exception cref="PerfMonitoringException">InvalidConnectionSetting.</exception>
    public static int? CheckPort(int? port, string parameter) => port is null or (> 0 and < 65536) ? port
        : throw new PerfMonitoringException(
            ErrorIds.InvalidConnectionSetting, FailureKind.InvalidArgument, $"-{parameter} is not a port number from 1 to 65535.",
            "Correct it, or leave it out for 5432.", parameter);

    private InventoryServer Server(ConnectionSettings address, string? name, int servers) => new()
    {
        Name = GivenName(servers) ?? name,
        Settings = address with { Port = CheckPort(Port, nameof(Port)) },
        Group = Single(Group, nameof(Group)),
        Tags = [.. (Tag ?? []).SelectMany(t => t.Split(
            BetweenTags, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    private string? GivenName(int servers)
    {
        if (Single(Name, nameof(Name)) is not { } name)
        {
            return null;
        }

        SessionName.Check(name, "-Name");
        return servers == 1 ? name : throw new PerfMonitoringException(
            ErrorIds.InvalidSessionName, FailureKind.InvalidArgument,
            $"-Name '{name}' is one name, and {servers} servers are given.",
            "Leave -Name out: sessions are named after host and database. Or pipe objects with Name and HostName.", name);
    }

    private static IEnumerable<string> ServicesLike(string service)
    {
        var pattern = new NamePattern(service);
        // The one that is not there is refused with the path of the file.
        return pattern.IsPattern ? Backend.Get().GetServiceNames().Where(pattern.Matches) : [pattern.Name];
    }

    private static string[] Filled(string[]? values) => [.. (values ?? []).Where(v => !string.IsNullOrWhiteSpace(v))];

    // The value of a parameter that takes many only where it filters an inventory. SessionName checks wildcards in a name.
    private static string? Single(string[]? values, string parameter) => Filled(values) switch
    {
        [] => null,
        [var only] when parameter == nameof(Name) || !Wildcard.IsIn(only) => only,
        _ => throw new PerfMonitoringException(
            ErrorIds.InvalidArgument, FailureKind.InvalidArgument,
            $"-{parameter} has several names or a wildcard, and without -Inventory it is the one of the new sessions.",
            "Write one name, or use -Inventory.", parameter),
    };
}

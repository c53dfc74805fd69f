using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Reads an inventory: the tables All, Groups and Servers, whose keys are parameters of Connect-PerfMonitoring. A key of the
/// server counts, otherwise that of its group, otherwise that of All. Everything is checked before anything is connected, and an
/// error names the file, the line, the key and the way out. No error repeats a value that may be a secret.
/// </summary>
/// <param name="origin">The inventory in an error: the path of a file, or what was piped.</param>
/// <param name="isFile">Whether it is a file, in which a password must not stand.</param>
/// <param name="readDuration">Reads a duration such as 30s; null if it is none.</param>
internal sealed partial class InventoryReader(string origin, bool isFile, Func<object, TimeSpan?> readDuration)
{
    private const int LongestText = 1_000;
    private const int LongestConnectionString = 10_000;
    private const int DeepestData = 8;

    private static readonly string[] Top = ["All", "Groups", "Servers"];

    // Login and store are inherited as a whole: a password must not reach a server that it is not for.
    private static readonly string[] Login = ["UserName", "Credential", "CredentialCommand"];

    private static readonly string[] StoreKeys =
    [
        "StoreHostName", "StorePort", "StoreDatabase", "StoreUserName", "StoreCredential", "StoreCredentialCommand",
        "StoreSslMode", "StoreConnectionString", "StoreService",
    ];

    private static readonly string[] Inherited =
    [
        "Port", "Database", "SslMode", "ConnectTimeout", "CommandTimeout", "ActingUser", "Tags", "MaintenanceWindows",
        "Thresholds", .. Login, .. StoreKeys,
    ];

    private static readonly string[] Address = ["HostName", "Service", "ConnectionString"];

    private static readonly string[] OfServer = ["Name", "Group", .. Address, .. Inherited];

    // What a person may write for a key.
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ComputerName"] = "HostName", ["ServerInstance"] = "HostName", ["Tag"] = "Tags",
    };

    // The rooms of windows and thresholds stand below this one. A test compares these words with theirs.
    internal static readonly string[] Windows = ["OffPeak", "Weekend", "Scheduled"];

    internal static readonly string[] Metrics =
        ["QueryTime", "IndexScanRatio", "TableSize", "CacheHitRatio", "ConnectionCount", "DeadlockCount"];

    internal static readonly string[] Units = ["Milliseconds", "Percentage", "Count", "Bytes", "Ratio"];

    internal static readonly string[] WindowKeys = ["CronExpression", "Duration", "TimeZone"];

    internal static readonly string[] ThresholdKeys =
        ["MetricType", "Warning", "Critical", "Unit", "TableName", "AlertEnabled", "AlertConfiguration"];

    /// <summary>Whether a table is a whole inventory, and not one server.</summary>
    public static bool IsInventory(InventoryTable table) => table["Servers"] is not null;

    /// <summary>Reads a whole inventory.</summary>
    /// <exception cref="PerfMonitoringException">InvalidInventory, PasswordInInventory, InvalidSessionName.</exception>
    public Inventory Read(InventoryTable root)
    {
        CheckKeys(root, Top, "");
        var all = root["All"] is { } shared ? Level(shared, Inherited, "All") : null;
        var groups = new Dictionary<string, InventoryTable>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in root["Groups"] is { } table ? Table(table, "Groups").Entries : [])
        {
            if (!groups.TryAdd(name, Level(value, Inherited, $"Groups.{name}")))
            {
                throw Invalid(value, $"Groups.{name}", "is there twice; case makes no difference", "Give each group one table.");
            }
        }

        if (root["Servers"] is not { } list)
        {
            throw Invalid(null, "Servers", "is missing", "Write Servers = @( @{ Name = 'db1'; HostName = 'db1.example.com' } ).");
        }

        var servers = new List<InventoryServer>();
        foreach (var element in list.Elements)
        {
            servers.Add(Server(element, $"Servers[{servers.Count}]", all, groups));
            CheckTwice(servers, element, $"Servers[{servers.Count - 1}]");
        }

        return servers.Count > 0
            ? new Inventory(servers, [.. groups.Keys.Order(StringComparer.OrdinalIgnoreCase)])
            : throw Invalid(
                list, "Servers", "is empty", "Write Servers = @( @{ Name = 'db1'; HostName = 'db1.example.com' } ).");
    }

    /// <summary>Reads one server that inherits nothing.</summary>
    /// <exception cref="PerfMonitoringException">InvalidInventory, InvalidSessionName.</exception>
    public InventoryServer ReadServer(InventoryTable table) => Server(new InventoryValue(table, 0), "", null, null);

    private InventoryServer Server(
        InventoryValue value, string path, InventoryTable? all, Dictionary<string, InventoryTable>? groups)
    {
        var own = Level(value, OfServer, path);
        var isOfInventory = groups is not null;
        var group = Text(own["Group"], At(path, "Group"));
        InventoryTable? shared = null;
        if (group is not null && groups is not null && !groups.TryGetValue(group, out shared))
        {
            throw Invalid(
                own["Group"], At(path, "Group"),
                $"names the group '{group}', which Groups does not define{NearMatch.Hint(group, groups.Keys)}",
                $"Write Groups = @{{ {group} = @{{ }} }}, or correct the name.");
        }

        // The nearest level counts.
        InventoryTable[] levels = [.. new[] { own, shared, all }.OfType<InventoryTable>()];
        var (login, store) = (Nearest(levels, Login), Nearest(levels, StoreKeys));
        var address = Address.Where(k => own[k]?.Value is not null).ToList();
        if (address.Count > 1)
        {
            throw Invalid(
                own[address[1]], At(path, address[1]), $"stands beside {address[0]}",
                "Write one of them: each says where it is.");
        }

        if (address.Count == 0 && isOfInventory)
        {
            throw Invalid(
                value, path, "does not say where the server is",
                "Write HostName, Service (a connection service of libpq) or ConnectionString.");
        }

        var settings = new ConnectionSettings
        {
            HostName = Text(own["HostName"], At(path, "HostName")),
            Service = Text(own["Service"], At(path, "Service")),
            ConnectionString = Text(own["ConnectionString"], At(path, "ConnectionString"), LongestConnectionString),
            Port = Port(Of("Port"), At(path, "Port")),
            UserName = Text(login?["UserName"], At(path, "UserName")),
            SslMode = Word(Of("SslMode"), At(path, "SslMode"), ConnectionSettings.SslModes),
            ConnectTimeout = Duration(
                Of("ConnectTimeout"), At(path, "ConnectTimeout"), TimeSpan.FromSeconds(1),
                ConnectionSettings.MaximumConnectTimeout),
            CommandTimeout = Duration(
                Of("CommandTimeout"), At(path, "CommandTimeout"), TimeSpan.FromSeconds(1),
                ConnectionSettings.MaximumCommandTimeout),
        };
        if (isOfInventory && settings.HostName is { } host && ConnectionStringMark().IsMatch(host))
        {
            throw Invalid(
                own["HostName"], At(path, "HostName"), "is no host", "Write a connection string into ConnectionString.");
        }

        var name = Text(own["Name"], At(path, "Name"))
            ?? (isOfInventory ? settings.HostName ?? settings.Service : null);
        if (name is null && isOfInventory)
        {
            throw Invalid(value, At(path, "Name"), "is missing", "A server with a ConnectionString needs a name.");
        }

        if (name is not null)
        {
            SessionName.Check(name, Place(own["Name"], At(path, "Name")));
        }

        return new InventoryServer
        {
            Name = name,
            Settings = settings,
            Databases = Texts(Of("Database"), At(path, "Database")),
            Credential = Credential(login, "Credential", path),
            Store = new ConnectionSettings
            {
                HostName = Text(store?["StoreHostName"], At(path, "StoreHostName")),
                Port = Port(store?["StorePort"], At(path, "StorePort")),
                Database = Text(store?["StoreDatabase"], At(path, "StoreDatabase")),
                UserName = Text(store?["StoreUserName"], At(path, "StoreUserName")),
                SslMode = Word(store?["StoreSslMode"], At(path, "StoreSslMode"), ConnectionSettings.SslModes),
                Service = Text(store?["StoreService"], At(path, "StoreService")),
                ConnectionString = Text(
                    store?["StoreConnectionString"], At(path, "StoreConnectionString"), LongestConnectionString),
            },
            StoreCredential = Credential(store, "StoreCredential", path),
            ActingUser = Text(Of("ActingUser"), At(path, "ActingUser"), 100),
            Group = group,
            Tags = [.. Enumerable.Reverse(levels).SelectMany(l => Texts(l["Tags"], At(path, "Tags")))
                .Distinct(StringComparer.OrdinalIgnoreCase)],
            MaintenanceWindows = MaintenanceWindows(levels, path),
            Thresholds = Thresholds(levels, path),
        };

        InventoryValue? Of(string key) => levels.Select(l => l[key]).FirstOrDefault(v => v is not null);
    }

    // The table of one level, with known keys and without a password.
    private InventoryTable Level(InventoryValue value, string[] known, string path)
    {
        var table = Table(value, path);
        CheckKeys(table, known, path);
        return new InventoryTable(
            [.. table.Entries.Select(e => KeyValuePair.Create(Aliases.GetValueOrDefault(e.Key, e.Key), e.Value))]);
    }

    private InventoryTable Table(InventoryValue value, string path) =>
        value.Value as InventoryTable ?? throw Invalid(
            value, path, $"is {value.Kind}, not a table", $"Write {path[(path.LastIndexOf('.') + 1)..]} = @{{ ... }}.");

    private void CheckKeys(InventoryTable table, string[] known, string path)
    {
        foreach (var (key, value) in table.Entries)
        {
            if (Password().IsMatch(key))
            {
                throw PasswordGiven(value, At(path, key));
            }

            if (!known.Contains(key, StringComparer.OrdinalIgnoreCase)
                && !(Aliases.TryGetValue(key, out var meant) && known.Contains(meant)))
            {
                // A server that was written where the list of servers belongs.
                var hint = known == Top && OfServer.Contains(key, StringComparer.OrdinalIgnoreCase)
                    ? " at the top; it belongs to a server, to a group or to All" : NearMatch.Hint(key, known);
                throw Invalid(value, At(path, key), $"is no key{hint}", $"The keys here are {string.Join(", ", known)}.");
            }
        }
    }

    private PerfMonitoringException PasswordGiven(InventoryValue? value, string path) => new(
        ErrorIds.PasswordInInventory, FailureKind.Security,
        $"{Place(value, path)} {(isFile ? "holds a password: whoever can read the file can log in" : "is no key")}.",
        "Leave the password to pgpass (UserName = 'dba'), or name a command that gives a credential: CredentialCommand = @{ "
            + "Command = 'Get-Secret'; Parameters = @{ Name = 'fleet' } }.", origin);

    private void CheckTwice(List<InventoryServer> servers, InventoryValue element, string path)
    {
        var last = servers[^1];
        foreach (var (other, i) in servers.SkipLast(1).Select((s, i) => (s, i)))
        {
            if (string.Equals(other.Name, last.Name, StringComparison.OrdinalIgnoreCase))
            {
                throw Invalid(
                    element, path, $"has the name '{last.Name}', which Servers[{i}] has, too",
                    "Give each server a Name of its own: names of sessions begin with it.");
            }

            if (Host(other) is { } host && host == Host(last) && Overlap(other.Databases, last.Databases))
            {
                throw Invalid(
                    element, path, $"is the same server as Servers[{i}], with the same database",
                    "Leave one of them out, or give them other databases.");
            }
        }

        // Addresses in services and connection strings are compared when they are connected.
        static (string?, int, string?)? Host(InventoryServer server) => server.Settings.HostName is not { } name ? null
            : (name.ToUpperInvariant(), server.Settings.Port ?? 0, server.Settings.UserName);

        static bool Overlap(IReadOnlyList<string> one, IReadOnlyList<string> other) =>
            (one.Count == 0 && other.Count == 0) || one.Intersect(other, StringComparer.Ordinal).Any();
    }

    private string? Text(InventoryValue? value, string path, int longest = LongestText)
    {
        if (value?.Value is null)
        {
            return null;
        }

        var text = value.Value as string
            ?? throw Invalid(value, path, $"is {value.Kind}, not a text", "Write it in single quotes.");
        // A cell of a table that is empty is not set. In a file nobody writes it without a reason.
        if (text.Length == 0 && !isFile)
        {
            return null;
        }

        return string.IsNullOrWhiteSpace(text) ? throw Invalid(value, path, "is blank", "Write what is meant, or leave it out.")
            : text.Length > longest ? throw Invalid(value, path, $"is longer than {longest} characters", "Write less.")
            : text.Contains('\0', StringComparison.Ordinal)
                ? throw Invalid(value, path, "holds a zero character, which PostgreSQL has in no text", "Take it out.")
            : text;
    }

    private string[] Texts(InventoryValue? value, string path) =>
        [.. (value?.Elements ?? []).Select(e => Text(e, path)).OfType<string>()];

    private int? Port(InventoryValue? value, string path)
    {
        var number = value?.Value switch
        {
            null => (long?)null,
            int or long => Convert.ToInt64(value.Value, CultureInfo.InvariantCulture),
            "" when !isFile => null,
            string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var read) => read,
            _ => 0,
        };
        return number is null or (> 0 and < 65536) ? (int?)number
            : throw Invalid(value, path, "is no port number from 1 to 65535", "Write a number, such as 5432.");
    }

    private string? Word(InventoryValue? value, string path, IReadOnlyList<string> words)
    {
        var text = Text(value, path);
        return text is null ? null
            : words.FirstOrDefault(w => string.Equals(w, text, StringComparison.OrdinalIgnoreCase))
            ?? throw Invalid(
                value, path, $"is none of the words that it may be{NearMatch.Hint(text, words)}",
                $"Write one of {string.Join(", ", words)}.");
    }

    private TimeSpan? Duration(InventoryValue? value, string path, TimeSpan least, TimeSpan most)
    {
        if (value?.Value is null or "")
        {
            return null;
        }

        return readDuration(value.Value) is { } time && time >= least && time <= most ? time
            : throw Invalid(
                value, path, $"is no duration from {least:c} to {most:c}", "Write it as 250ms, 45s, 30m, 12h or 7d, in quotes.");
    }

    private InventoryCredential? Credential(InventoryTable? level, string key, string path)
    {
        var user = level?[key == "Credential" ? "UserName" : "StoreUserName"];
        var (given, command) = (level?[key], level?[key + "Command"]);
        if (given?.Value is null && command?.Value is null)
        {
            return null;
        }

        var at = At(path, given?.Value is null ? key + "Command" : key);
        if (user?.Value is not null || (given?.Value is not null && command?.Value is not null))
        {
            throw Invalid(
                given ?? command, at, "stands beside another login",
                "Write one of UserName, Credential and CredentialCommand: a credential has a user name of its own.");
        }

        if (given?.Value is { } credential)
        {
            return credential is string or bool or int or long or decimal or double or InventoryTable
                or IReadOnlyList<InventoryValue>
                ? throw Invalid(
                    given, at, $"is {given.Kind}, not a PSCredential",
                    isFile ? "A file holds none: write CredentialCommand, or UserName and leave the password to pgpass."
                    : "Pass the result of Get-Credential.")
                : new InventoryCredential(credential, null, [], Place(given, at));
        }

        var isName = command!.Value is string;
        var table = isName ? new InventoryTable([new("Command", command)]) : Level(command, ["Command", "Parameters"], at);
        var name = Text(table["Command"], At(at, "Command"));
        if (name is null || !CommandName().IsMatch(name))
        {
            throw Invalid(
                table["Command"] ?? command, isName ? at : At(at, "Command"),
                "is not the name of a command that gets a credential",
                "Name a cmdlet or a function whose verb is Get, or Import-Clixml; no path, no script and no arguments: "
                    + "@{ Command = 'Get-Secret'; Parameters = @{ Name = 'fleet' } }.");
        }

        var parameters = new Hashtable(StringComparer.OrdinalIgnoreCase);
        foreach (var (parameter, value) in table["Parameters"] is { } listed ? Table(listed, At(at, "Parameters")).Entries : [])
        {
            if (Password().IsMatch(parameter))
            {
                throw PasswordGiven(value, At(At(at, "Parameters"), parameter));
            }

            parameters[parameter] = Data(value, At(At(at, "Parameters"), parameter), 1);
        }

        return new InventoryCredential(null, name, parameters, Place(command, at));
    }

    // One window replaces the window of the same name of a level above.
    private Hashtable[] MaintenanceWindows(InventoryTable[] levels, string path)
    {
        var windows = new List<Hashtable>();
        var at = At(path, "MaintenanceWindows");
        foreach (var level in Enumerable.Reverse(levels))
        {
            var table = level["MaintenanceWindows"];
            foreach (var (name, value) in table?.Value is null ? [] : Table(table, at).Entries)
            {
                var here = At(at, name);
                var window = Word(new InventoryValue(name, value.Line), here, Windows)!;
                var keys = Level(value, WindowKeys, here);
                var set = new Hashtable(StringComparer.OrdinalIgnoreCase) { ["Window"] = window };
                Add(set, "CronExpression", Text(keys["CronExpression"], At(here, "CronExpression")));
                Add(set, "TimeZone", Text(keys["TimeZone"], At(here, "TimeZone")));
                Add(set, "Duration", Duration(
                    keys["Duration"], At(here, "Duration"), TimeSpan.FromMinutes(1), TimeSpan.FromDays(7)));
                if (set.Count == 1)
                {
                    throw Invalid(value, here, "sets nothing", $"The keys here are {string.Join(", ", WindowKeys)}.");
                }

                windows.RemoveAll(w => Equals(w["Window"], window));
                windows.Add(set);
            }
        }

        return [.. windows];
    }

    // One threshold replaces that of the same metric and table of a level above.
    private Hashtable[] Thresholds(InventoryTable[] levels, string path)
    {
        var thresholds = new List<Hashtable>();
        foreach (var level in Enumerable.Reverse(levels))
        {
            var at = At(path, "Thresholds");
            foreach (var value in level["Thresholds"]?.Elements ?? [])
            {
                var keys = Level(value, ThresholdKeys, at);
                var set = new Hashtable(StringComparer.OrdinalIgnoreCase);
                Add(set, "MetricType", Word(keys["MetricType"], At(at, "MetricType"), Metrics)
                    ?? throw Invalid(value, At(at, "MetricType"), "is missing", $"Write one of {string.Join(", ", Metrics)}."));
                Add(set, "Unit", Word(keys["Unit"], At(at, "Unit"), Units));
                Add(set, "TableName", Text(keys["TableName"], At(at, "TableName")));
                foreach (var limit in (string[])["Warning", "Critical"])
                {
                    Add(set, limit, keys[limit]?.Value is string or int or long or decimal or double
                        ? keys[limit]!.Value
                        : throw Invalid(
                            keys[limit] ?? value, At(at, limit), keys[limit] is null ? "is missing" : "is no limit",
                            "Write a number, or a time such as '500ms'."));
                }

                Add(set, "AlertEnabled", keys["AlertEnabled"]?.Value is null or bool
                    ? keys["AlertEnabled"]?.Value
                    : throw Invalid(keys["AlertEnabled"], At(at, "AlertEnabled"), "is neither $true nor $false", "Write $true."));
                Add(set, "AlertConfiguration", keys["AlertConfiguration"] is { Value: not null } configuration
                    ? Data(configuration, At(at, "AlertConfiguration"), 1) : null);
                thresholds.RemoveAll(t => Equals(t["MetricType"], set["MetricType"]) && Equals(t["TableName"], set["TableName"]));
                thresholds.Add(set);
            }
        }

        return [.. thresholds];
    }

    private static void Add(Hashtable table, string key, object? value)
    {
        if (value is not null)
        {
            table[key] = value;
        }
    }

    // Plain data for a command: tables, lists, texts, numbers, booleans.
    private object? Data(InventoryValue value, string path, int depth) => depth > DeepestData
        ? throw Invalid(value, path, $"is nested deeper than {DeepestData} levels", "Write less.")
        : value.Value switch
        {
            InventoryTable table => table.Entries.Aggregate(new Hashtable(StringComparer.OrdinalIgnoreCase), (data, e) =>
            {
                data[e.Key] = Data(e.Value, At(path, e.Key), depth + 1);
                return data;
            }),
            IReadOnlyList<InventoryValue> list => list.Select(e => Data(e, path, depth + 1)).ToArray(),
            var plain => plain,
        };

    private static InventoryTable? Nearest(InventoryTable[] levels, string[] keys) =>
        levels.FirstOrDefault(l => keys.Any(k => l[k] is not null));

    private static string At(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";

    private string Place(InventoryValue? value, string path) =>
        $"{origin}{(value?.Line > 0 ? string.Create(CultureInfo.InvariantCulture, $", line {value.Line}") : "")}: {path}";

    private PerfMonitoringException Invalid(InventoryValue? value, string path, string what, string remedy) =>
        new(ErrorIds.InvalidInventory, FailureKind.InvalidArgument, $"{Place(value, path)} {what}.", remedy, origin);

    [GeneratedRegex("^(?:store)?(?:plain|clear)?(?:text)?(?:password|passwd|passphrase|pwd|psw)$", RegexOptions.IgnoreCase)]
    private static partial Regex Password();

    // A name that may hold a password must not become the name of a server.
    [GeneratedRegex("://|[=@;]")]
    private static partial Regex ConnectionStringMark();

    // An inventory may be written by somebody else, so it must not name a command that changes something.
    [GeneratedRegex(@"^(?:[A-Za-z0-9._]+\\)?(?:Get-[A-Za-z0-9]+|Import-Clixml)$", RegexOptions.IgnoreCase)]
    private static partial Regex CommandName();
}

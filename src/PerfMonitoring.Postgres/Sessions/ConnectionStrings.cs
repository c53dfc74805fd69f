using System.Globalization;
using System.Net;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// Turns settings, a connection string of any kind, a service and the PG* variables into settings of the driver, in libpq's order
/// of precedence. No message repeats a value, because any value may be a password.
/// </summary>
internal static class ConnectionStrings
{
    // Two for each of the sessions that may work at once.
    private const int MaximumStorePool = 32;

    // Shorter than a minute, so that a collection each minute holds no connection in between.
    private const int IdleSeconds = 20;

    /// <summary>Npgsql's keywords that libpq has too. The key is Npgsql's spelling without spaces.</summary>
    private static readonly Dictionary<string, string> Driver = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Server"] = "host",
        ["Database"] = "dbname",
        ["DB"] = "dbname",
        ["Username"] = "user",
        ["UserId"] = "user",
        ["UID"] = "user",
        ["PSW"] = "password",
        ["PWD"] = "password",
        ["ApplicationName"] = "application_name",
        ["ClientEncoding"] = "client_encoding",
        ["SslNegotiation"] = "sslnegotiation",
        ["GssEncryptionMode"] = "gssencmode",
        ["SslCertificate"] = "sslcert",
        ["RootCertificate"] = "sslrootcert",
        ["KerberosServiceName"] = "krbsrvname",
        ["ChannelBinding"] = "channel_binding",
        ["RequireAuth"] = "require_auth",
        ["Timeout"] = "connect_timeout",
        ["TargetSessionAttributes"] = "target_session_attrs",
        ["ReplicationMode"] = "replication",
    };

    /// <summary>
    /// Keywords that would undermine a session or expose secrets. <see cref="Build"/> and Database set them instead.
    /// </summary>
    private static readonly HashSet<string> Overridden = new(StringComparer.OrdinalIgnoreCase)
    {
        "Multiplexing", "MaxAutoPrepare", "AutoPrepareMinUsages", "NoResetOnClose", "IncludeErrorDetail", "IncludeErrorDetails",
        "PersistSecurityInfo", "LogParameters",
        "IncludeFailedBatchedCommand", "Enlist", "LoadTableComposites", "ArrayNullabilityMode", "Encoding", "LoadBalanceHosts",
        "HostRecheckSeconds",
        "TrustServerCertificate", "ServerCompatibilityMode", "WriteCoalescingBufferThresholdBytes",
    };

    /// <exception cref="PerfMonitoringException">InvalidConnectionString, InvalidConnectionSetting, UnsupportedConnectionSetting,
    /// ServiceNotFound, InvalidServiceFile, and the errors of <see cref="ServerCertificate"/> and
    /// <see cref="ClientCertificate"/>.</exception>
    public static ConnectionPlan Build(ConnectionSettings settings, LibpqEnvironment environment)
    {
        var builder = new NpgsqlConnectionStringBuilder();
        var values = Gather(settings, builder, environment);
        foreach (var (keyword, setting) in values)
        {
            if (setting.Value.Contains('\0', StringComparison.Ordinal))
            {
                throw Wrong(setting, "holds a zero character", "Leave it out.");
            }

            if (LibpqKeyword.WhyNot(keyword, setting.Value) is { } why)
            {
                throw new PerfMonitoringException(
                    ErrorIds.UnsupportedConnectionSetting, FailureKind.NotSupported, $"{setting.Origin} cannot be heeded: {why}.",
                    "Leave it out.", setting.Origin);
            }
        }

        builder.Username = Value("user") ?? Environment.UserName;
        builder.Database = Value("dbname") ?? builder.Username;
        foreach (var keyword in (string[])["user", "dbname"])
        {
            if (values.GetValueOrDefault(keyword) is { } setting && Conninfo.LooksLikeConnectionString(setting.Value))
            {
                throw Wrong(setting, "holds a connection string", $"Pass that as {settings.Parameter("ConnectionString")}.");
            }
        }

        builder.Timeout = Seconds(
            settings.ConnectTimeout, Number("connect_timeout"), ConnectionSettings.DefaultConnectTimeout,
            ConnectionSettings.MaximumConnectTimeout);
        builder.CommandTimeout = Seconds(
            settings.CommandTimeout, builder.ShouldSerialize("Command Timeout") ? builder.CommandTimeout : 0,
            ConnectionSettings.DefaultCommandTimeout, ConnectionSettings.MaximumCommandTimeout);
        builder.ApplicationName = Value("application_name") ?? Value("fallback_application_name") ?? "PerfMonitoring";
        builder.Options = Value("options");
        // A pooler's connection with another encoding would still be read as UTF-8.
        builder.ClientEncoding = SessionSettings.ClientEncoding("UTF8");
        builder.Encoding = LenientUtf8.Name;
        Set("krbsrvname", "Kerberos Service Name", "Use a name like postgres.");
        Set("channel_binding", "Channel Binding", "Use disable, prefer or require.");
        Set("require_auth", "Require Auth",
            "Use password, md5, gss, sspi, scram-sha-256 or none, several with commas, each with a ! to forbid it.");
        Set("gssencmode", "GSS Encryption Mode", "Use disable, prefer or require.");
        Set("sslnegotiation", "SSL Negotiation", "Use postgres or direct.");

        builder.PersistSecurityInfo = false;
        builder.IncludeErrorDetail = false;
        // ServerText searches the server's text for the constants of the statement. It removes the statement from the errors that
        // it passes on.
        builder.IncludeFailedBatchedCommand = true;
        // A session sends few statements at a time, and a monitoring tool must not use up the server's connections. All sessions
        // share the pool of a store.
        builder.MaxPoolSize = Math.Clamp(builder.MaxPoolSize, 1, settings.IsStore ? MaximumStorePool : 10);
        // A server of a hundred databases has a pool for each, and most of them wait.
        builder.ConnectionIdleLifetime = Math.Min(builder.ConnectionIdleLifetime, IdleSeconds);
        builder.ConnectionPruningInterval = Math.Min(builder.ConnectionPruningInterval, builder.ConnectionIdleLifetime);
        builder.MinPoolSize = Math.Min(builder.MinPoolSize, builder.MaxPoolSize);
        var hosts = Hosts(values, settings);
        var plan = new ConnectionPlan(
            builder, hosts, TlsSettings.Read(values, settings, environment, builder, hosts), SessionAttributes(values))
        {
            Password = Value("password"),
            PasswordFile = Value("passfile") ?? environment.PasswordFile,
        };
        plan.AddTarget();
        plan.CheckPasswordFile();
        return plan;

        string? Value(string keyword) =>
            values.GetValueOrDefault(keyword) is { Value.Length: > 0 } setting ? setting.Value : null;

        int Number(string keyword) =>
            Value(keyword) is not { } text ? 0
            : int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw Wrong(
                values[keyword], "is not a number of seconds", "Set it to a number of seconds, or pass -ConnectTimeout.");

        void Set(string keyword, string driver, string remedy)
        {
            if (Value(keyword) is { } value)
            {
                try
                {
                    builder[driver] = value;
                }
                catch (Exception e) when (IsRefusal(e))
                {
                    // The cause quotes the value.
                    throw Wrong(values[keyword], "is none of the values that it may have", remedy);
                }
            }
        }
    }

    /// <summary>The database that settings, a service or a variable name; null if it would be that of the role.</summary>
    public static string? DatabaseOf(ConnectionSettings settings, LibpqEnvironment environment) =>
        Gather(settings, new NpgsqlConnectionStringBuilder(), environment)
            .GetValueOrDefault("dbname") is { Value.Length: > 0 } given ? given.Value : null;

    internal static PerfMonitoringException Wrong(Setting setting, string what, string remedy) => new(
        setting.IsText ? ErrorIds.InvalidConnectionString : ErrorIds.InvalidConnectionSetting, FailureKind.InvalidArgument,
        $"{setting.Origin} {what}.", remedy, setting.Origin);

    // The first source that has a value wins: parameter, connection string, service, variable.
    private static Dictionary<string, Setting> Gather(
        ConnectionSettings settings, NpgsqlConnectionStringBuilder builder, LibpqEnvironment environment)
    {
        var values = new Dictionary<string, Setting>(StringComparer.Ordinal);
        // A connection string may stand where the host stands: Connect-PerfMonitoring postgresql://db1/shop.
        var (text, origin) = IsText(settings) ? (settings.HostName, settings.Parameter("HostName"))
            : (settings.ConnectionString, settings.Parameter("ConnectionString"));
        AddParameter("host", IsText(settings) ? null : settings.HostName, "HostName");
        AddParameter("port", settings.Port?.ToString(CultureInfo.InvariantCulture), "Port");
        AddParameter("dbname", settings.Database, "Database");
        AddParameter("user", settings.UserName, "Credential");
        AddParameter("password", settings.Password, "Credential");
        AddParameter("sslmode", settings.SslMode, "SslMode");
        AddParameter("service", settings.Service, "Service");
        foreach (var (keyword, value) in ReadText(text, origin, builder))
        {
            values.TryAdd(keyword, new Setting(value, $"{keyword} in {origin}", IsText: true));
        }

        var service = values.GetValueOrDefault("service")?.Value ?? environment["PGSERVICE"];
        if (!string.IsNullOrEmpty(service))
        {
            foreach (var (keyword, value) in ServiceFile.Read(
                service, values.GetValueOrDefault("servicefile")?.Value ?? environment["PGSERVICEFILE"], environment))
            {
                values.TryAdd(keyword, new Setting(value, $"{keyword} of service '{service}'"));
            }
        }

        foreach (var (keyword, variable) in LibpqKeyword.FromEnvironment)
        {
            if (keyword is not ("service" or "servicefile" or "requiressl") && environment[variable] is { } value)
            {
                values.TryAdd(keyword, new Setting(value, variable));
            }
        }

        if (environment["PGREQUIRESSL"] is ['1', ..])
        {
            values.TryAdd("sslmode", new Setting("require", "PGREQUIRESSL"));
        }

        return values;

        void AddParameter(string keyword, string? value, string parameter)
        {
            if (value is not null)
            {
                values.Add(keyword, new Setting(value, settings.Parameter(parameter)));
            }
        }
    }

    private static bool IsText(ConnectionSettings settings) =>
        settings is { ConnectionString: null, HostName: { } host } && Conninfo.LooksLikeConnectionString(host);

    /// <summary>Whether the connection string holds a password.</summary>
    public static bool HoldsPassword(ConnectionSettings settings) =>
        (settings.ConnectionString ?? (IsText(settings) ? settings.HostName : null)) is { } text
            && ReadText(text, "", new NpgsqlConnectionStringBuilder()).Keys.Any(k => k is "password" or "sslpassword");

    // If a keyword has two values, the last one counts.
    private static Dictionary<string, string> ReadText(string? text, string origin, NpgsqlConnectionStringBuilder builder)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (text is null)
        {
            return values;
        }

        foreach (var (keyword, value) in Conninfo.IsLibpq(text)
            ? Conninfo.Parse(text, origin) : ReadDriverText(text, origin, builder))
        {
            var (name, meant) = keyword == "requiressl"
                ? ("sslmode", value.StartsWith('1') ? "require" : "prefer") : (keyword, value);
            values[name] = meant;
        }

        return values;
    }

    // Reads Npgsql's form. Keywords that only Npgsql has go to the builder at once.
    private static List<KeyValuePair<string, string>> ReadDriverText(
        string text, string origin, NpgsqlConnectionStringBuilder builder)
    {
        var parts = new System.Data.Common.DbConnectionStringBuilder();
        try
        {
            parts.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            // The cause may quote a part of the text.
            throw new PerfMonitoringException(
                ErrorIds.InvalidConnectionString, FailureKind.InvalidArgument,
                $"{origin} is not a connection string: a part of it is not keyword=value, or a quote is not closed.",
                "Write it as \"Host=db1;Port=5432;Database=app;Username=dba\", \"host=db1 port=5432 dbname=app user=dba\" or "
                    + "postgresql://dba@db1:5432/app, "
                + "or use -HostName, -Port, -Database and -Credential.", origin);
        }

        var result = new List<KeyValuePair<string, string>>();
        string? before = null;
        foreach (string keyword in parts.Keys)
        {
            var value = (string)parts[keyword];
            var letters = keyword.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();
            if (Driver.TryGetValue(letters, out var known) || LibpqKeyword.IsKnown(known = letters))
            {
                result.Add(new(known, value));
            }
            else if (!builder.ContainsKey(keyword))
            {
                throw LibpqKeyword.Unknown(keyword, before, origin);
            }
            else if (!Overridden.Contains(letters))
            {
                try
                {
                    builder[keyword] = value;
                }
                catch (Exception e) when (IsRefusal(e))
                {
                    // The cause quotes the value.
                    throw Wrong(
                        new Setting(value, $"{keyword} in {origin}", IsText: true), "has a value that it cannot have",
                        "See Npgsql's list of connection string parameters.");
                }
            }

            before = keyword;
        }

        return result;
    }

    private static bool IsRefusal(Exception e) =>
        e is ArgumentException or FormatException or OverflowException or InvalidCastException or KeyNotFoundException;

    private static List<ServerAddress> Hosts(Dictionary<string, Setting> values, ConnectionSettings settings)
    {
        var names = Split("host");
        var addresses = Split("hostaddr");
        var ports = Split("port");
        var count = Math.Max(1, Math.Max(names.Length, addresses.Length));
        if (names.Length > 0 && addresses.Length > 0 && names.Length != addresses.Length)
        {
            throw Wrong(
                values["hostaddr"], "has another number of entries than host has",
                "Give each host its address, or leave hostaddr out.");
        }

        if (ports.Length > 1 && ports.Length != count)
        {
            throw Wrong(
                values["port"], "has another number of entries than host has", "Give one port for all hosts, or one for each.");
        }

        return [.. Enumerable.Range(0, count).Select(i => Host(
            names.Length > 0 ? names[i].Trim() : "", addresses.Length > 0 ? addresses[i].Trim() : "",
            ports.Length == 0 ? "" : ports[ports.Length == 1 ? 0 : i].Trim()))];

        string[] Split(string keyword) =>
            values.GetValueOrDefault(keyword) is { Value.Length: > 0 } setting ? setting.Value.Split(',') : [];

        ServerAddress Host(string name, string address, string port)
        {
            if (address.Length > 0 && !IPAddress.TryParse(address, out _))
            {
                throw Wrong(values["hostaddr"], "is not an IP address", "Write names into host; hostaddr is for addresses.");
            }

            if (values.GetValueOrDefault("host") is { } given
                && (given.Value.Length > 0 && string.IsNullOrWhiteSpace(given.Value) || name.Length > 0 && !IsHost(name)))
            {
                throw Conninfo.LooksLikeConnectionString(given.Value)
                    ? Wrong(given, "holds a connection string, not a host",
                        $"Pass that as {settings.Parameter("ConnectionString")}.")
                    : Wrong(given, "is not a host name, an address or a socket's folder",
                        "Check it; several hosts stand with commas between them.");
            }

            // Npgsql's host:port.
            if (port.Length == 0 && name.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
                && colon == name.LastIndexOf(':') && name[0] is not ('/' or '@') && !Path.IsPathRooted(name))
            {
                (name, port) = (name[..colon], name[(colon + 1)..]);
            }

            var number = port.Length == 0 ? 5432
                : int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value is > 0 and < 65536
                ? value
                : throw Wrong(
                    values.GetValueOrDefault("port") ?? values["host"], "is not a port number from 1 to 65535",
                    "Correct it, or pass -Port.");
            return new ServerAddress(name.Length == 0 && address.Length == 0 ? "localhost" : name, address, number);
        }
    }

    // A host name has no spaces and no characters that only a connection string has. The folder of a socket may have both.
    private static bool IsHost(string name) =>
        Path.IsPathRooted(name) || name[0] == '@'
            ? !name.Contains("://", StringComparison.Ordinal) && !Conninfo.LooksLikeConnectionString(name)
        : name.All(c => char.IsLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '%' or '[' or ']');

    private static string? SessionAttributes(Dictionary<string, Setting> values)
    {
        var setting = values.GetValueOrDefault("target_session_attrs");
        var value = setting?.Value.Replace("_", "-", StringComparison.Ordinal).ToLowerInvariant();
        return value is null or "" or "any" ? null
            : value is "read-write" or "read-only" or "primary" or "standby" or "prefer-standby" or "prefer-primary" ? value
            : throw Wrong(
                setting!, "is none of the values that it may have",
                "Use any, read-write, read-only, primary, standby or prefer-standby.");
    }

    // Every wait has an end. Zero means "for ever" to libpq and Npgsql; here it counts as not set.
    private static int Seconds(TimeSpan? given, int inText, TimeSpan usual, TimeSpan most) =>
        (int)Math.Ceiling(
            Math.Min((given ?? (inText > 0 ? TimeSpan.FromSeconds(inText) : usual)).TotalSeconds, most.TotalSeconds));
}

/// <summary>A value and its source.</summary>
/// <param name="Value">The value; never shown.</param>
/// <param name="Origin">Its name in an error: -HostName, PGHOST, host in -ConnectionString.</param>
/// <param name="IsText">Whether it comes from a connection string.</param>
internal sealed record Setting(string Value, string Origin, bool IsText = false);

/// <summary>The location of a server.</summary>
/// <param name="Name">Host name or the socket's folder; empty if only an address was given.</param>
/// <param name="Address">The address to connect to without a lookup of the name; otherwise empty.</param>
/// <param name="Port">The port.</param>
internal sealed record ServerAddress(string Name, string Address, int Port)
{
    /// <summary>The server's name in a certificate, in a password file and in messages.</summary>
    public string ShownName => Name.Length == 0 ? Address : Name;

    /// <summary>What the driver connects to.</summary>
    public string Target => Address.Length == 0 ? Name : Address;

    public bool IsSocket => Address.Length == 0 && (Name.StartsWith('@') || Path.IsPathRooted(Name));

    public override string ToString() => $"{ShownName}:{Port}";
}

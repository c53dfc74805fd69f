using System.Globalization;
using Npgsql;
using PerfMonitoring.Model;

namespace PerfMonitoring.Postgres.Connections;

/// <summary>Turns settings and the PG* variables into a connection string, in libpq's order of precedence.</summary>
internal static class ConnectionStrings
{
    /// <exception cref="PerfMonitoringException">InvalidConnectionSetting: a part that cannot be right.</exception>
    public static NpgsqlConnectionStringBuilder Build(ConnectionSettings settings)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(settings.ConnectionString);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The cause quotes the value, and the value may be a password: it is left out on purpose.
            throw new PerfMonitoringException(
                "InvalidConnectionString", FailureKind.InvalidArgument, "The value of -ConnectionString is not a connection string that Npgsql understands.",
                "Write it as \"Host=db1;Port=5432;Database=app;Username=dba\", or use -HostName, -Port, -Database and -Credential.");
        }

        builder.Host = settings.HostName ?? builder.Host ?? Env("PGHOST") ?? Env("PGHOSTADDR") ?? "localhost";
        if (settings.Port is { } port)
        {
            builder.Port = port;
        }
        else if (!builder.ShouldSerialize("Port") && Env("PGPORT") is { } variable)
        {
            builder.Port = int.TryParse(variable, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 65536
                ? number
                : throw Wrong("PGPORT", variable, "Set it to a port number from 1 to 65535, or pass -Port.");
        }

        builder.Username = settings.UserName ?? builder.Username ?? Env("PGUSER") ?? Environment.UserName;
        builder.Database = settings.Database ?? builder.Database ?? Env("PGDATABASE") ?? builder.Username;
        builder.Password = settings.Password ?? builder.Password ?? Env("PGPASSWORD");
        var ssl = settings.SslMode ?? (builder.ShouldSerialize("SSL Mode") ? null : Env("PGSSLMODE"));
        if (ssl is not null)
        {
            builder.SslMode = Enum.TryParse<SslMode>(ssl.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode)
                ? mode
                : throw Wrong(settings.SslMode is null ? "PGSSLMODE" : "-SslMode", ssl, "Use disable, allow, prefer, require, verify-ca or verify-full.");
        }

        builder.Timeout = Seconds(
            settings.ConnectTimeout, builder.ShouldSerialize("Timeout") ? builder.Timeout : ConnectTimeoutOfEnvironment(),
            ConnectionSettings.DefaultConnectTimeout, ConnectionSettings.MaximumConnectTimeout);
        builder.CommandTimeout = Seconds(
            settings.CommandTimeout, builder.ShouldSerialize("Command Timeout") ? builder.CommandTimeout : 0,
            ConnectionSettings.DefaultCommandTimeout, ConnectionSettings.MaximumCommandTimeout);

        builder.ApplicationName ??= Env("PGAPPNAME") ?? "PerfMonitoring";
        builder.PersistSecurityInfo = false;
        builder.IncludeErrorDetail = false;
        // ServerText looks for the constants of the statement in the server's text, and leaves the statement out of what it passes on.
        builder.IncludeFailedBatchedCommand = true;
        // A session asks little at a time; a monitoring tool must not eat the server's connections.
        builder.MaxPoolSize = Math.Min(builder.MaxPoolSize, 10);
        return builder;
    }

    // Every wait has an end: zero, which is "for ever" to libpq and Npgsql, counts as not set.
    private static int Seconds(TimeSpan? given, int inText, TimeSpan usual, TimeSpan most) =>
        (int)Math.Ceiling(Math.Min((given ?? (inText > 0 ? TimeSpan.FromSeconds(inText) : usual)).TotalSeconds, most.TotalSeconds));

    private static int ConnectTimeoutOfEnvironment() =>
        Env("PGCONNECT_TIMEOUT") is not { } variable ? 0
        : int.TryParse(variable, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) ? seconds
        : throw Wrong("PGCONNECT_TIMEOUT", variable, "Set it to a number of seconds, or pass -ConnectTimeout.");

    private static string? Env(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static PerfMonitoringException Wrong(string name, string value, string remedy) => new(
        "InvalidConnectionSetting", FailureKind.InvalidArgument, $"{name} is '{value}', which cannot be used.", remedy, value);
}

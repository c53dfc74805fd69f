using System.Security.Authentication;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>The encryption of a connection and the certificates that it trusts, with libpq's meanings (manual, 34.19).</summary>
internal sealed record TlsSettings
{
    /// <summary>One of libpq's six modes.</summary>
    public required string Mode { get; init; }

    /// <summary>Whether the user chose the mode.</summary>
    public bool IsChosen { get; init; }

    /// <summary>How the server's certificate is verified; null if it is not verified.</summary>
    public ServerCertificate? Verification { get; init; }

    /// <summary>Whether the client sends no certificate.</summary>
    public bool SendsNoCertificate { get; init; }

    /// <summary>Whether the client sends the server's name in the handshake (SNI).</summary>
    public bool SendsName { get; init; } = true;

    /// <summary>The allowed protocols.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.None;

    /// <summary>The parameter that sets the mode.</summary>
    public required string Parameter { get; init; }

    public static TlsSettings Read(
        Dictionary<string, Setting> values, ConnectionSettings settings, LibpqEnvironment environment,
        NpgsqlConnectionStringBuilder builder, IReadOnlyList<ServerAddress> hosts)
    {
        var wayOut = $"sslrootcert in {settings.Parameter("ConnectionString")}, or PGSSLROOTCERT";
        var root = Value("sslrootcert");
        var mode = ReadMode(values.GetValueOrDefault("sslmode"));
        if (root == "system" && mode is not (null or "verify-full"))
        {
            throw ConnectionStrings.Wrong(
                values["sslmode"], "is weaker than verify-full, which sslrootcert=system needs",
                $"Use {settings.Parameter("SslMode")} verify-full.");
        }

        mode ??= root == "system" ? "verify-full" : null;
        var tls = new TlsSettings {
            Mode = mode ?? "prefer", IsChosen = mode is not null, Parameter = settings.Parameter("SslMode") };
        // libpq never encrypts a Unix socket, whatever the mode.
        if (tls.Mode == "disable" || hosts.All(h => h.IsSocket))
        {
            (builder.SslMode, builder.SslNegotiation) = (SslMode.Disable, SslNegotiation.Postgres);
            return tls;
        }

        if (builder.SslNegotiation == SslNegotiation.Direct && tls.Mode is "allow" or "prefer")
        {
            throw ConnectionStrings.Wrong(
                values["sslnegotiation"], "is direct, which a mode that may do without TLS cannot have",
                $"Use {tls.Parameter} require or a stronger mode.");
        }

        // Npgsql verifies nothing itself: ServerCertificate does it in the callback, and its error names the fault.
        builder.SslMode = tls.Mode switch
        {
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            _ => SslMode.Require,
        };
        var sendsNone = Value("sslcertmode") == "disable" || !UseClientCertificate();
        return tls with
        {
            Verification = tls.Mode is "require" or "verify-ca" or "verify-full" ? Verification() : null,
            SendsNoCertificate = sendsNone,
            SendsName = Value("sslsni") != "0",
            Protocols = ReadProtocols(values),
        };

        string? Value(string keyword) =>
            values.GetValueOrDefault(keyword) is { Value.Length: > 0 } setting ? setting.Value : null;

        bool UseClientCertificate()
        {
            var certificate = Value("sslcert")
                ?? (File.Exists(environment.OfPostgres("postgresql.crt")) ? environment.OfPostgres("postgresql.crt") : null);
            if (certificate is null || Value("sslcertmode") == "disable")
            {
                return false;
            }

            var key = Value("sslkey") ?? environment.OfPostgres("postgresql.key");
            ClientCertificate.Check(certificate, key, Value("sslpassword"));
            (builder.SslCertificate, builder.SslKey, builder.SslPassword) = (certificate, key, Value("sslpassword"));
            return true;
        }

        ServerCertificate? Verification()
        {
            var path = root == "system" ? null : root ?? environment.OfPostgres("root.crt");
            if (path is not null && root is null && !File.Exists(path))
            {
                path = tls.Mode switch
                {
                    "require" => "",
                    "verify-full" => null,
                    _ => throw new PerfMonitoringException(
                        ErrorIds.RootCertificateInvalid, FailureKind.InvalidArgument,
                        $"The root certificate file {path} does not exist, and verify-ca needs one.",
                        $"Name the file ({wayOut}), or use {tls.Parameter} verify-full, which takes the roots of the "
                            + $"operating system without one.", path),
                };
            }

            // Without roots, require encrypts only. With roots it verifies as verify-ca does.
            if (path is "")
            {
                return null;
            }

            if (File.Exists(environment.OfPostgres("root.crl")) && !builder.CheckCertificateRevocation)
            {
                throw new PerfMonitoringException(
                    ErrorIds.UnsupportedConnectionSetting, FailureKind.NotSupported,
                    $"{environment.OfPostgres("root.crl")} cannot be heeded: "
                        + "lists of revoked certificates in files are not read.",
                    "Write Check Certificate Revocation=true into an Npgsql connection string, which asks the issuer instead.",
                    environment.OfPostgres("root.crl"));
            }

            return new ServerCertificate(
                path is null ? null : ServerCertificate.ReadRoots(path, wayOut),
                path ?? "the list of the operating system's trusted roots",
                tls.Mode == "verify-full", builder.CheckCertificateRevocation, wayOut);
        }
    }

    // Npgsql writes VerifyFull, libpq verify-full.
    private static string? ReadMode(Setting? setting)
    {
        var letters = setting?.Value.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);
        return string.IsNullOrEmpty(letters) ? null
            : ConnectionSettings.SslModes.FirstOrDefault(
                m => string.Equals(m.Replace("-", "", StringComparison.Ordinal), letters, StringComparison.OrdinalIgnoreCase))
            ?? throw ConnectionStrings.Wrong(
                setting!, "is none of the values that it may have",
                "Use disable, allow, prefer, require, verify-ca or verify-full.");
    }

    private static SslProtocols ReadProtocols(Dictionary<string, Setting> values)
    {
        var (low, high) = (Version("ssl_min_protocol_version", 2), Version("ssl_max_protocol_version", 3));
        return (low, high) switch
        {
            ( <= 2, 3) => SslProtocols.None,
            ( <= 2, 2) => SslProtocols.Tls12,
            (3, 3) => SslProtocols.Tls13,
            _ => throw ConnectionStrings.Wrong(
                values.GetValueOrDefault("ssl_max_protocol_version") ?? values["ssl_min_protocol_version"],
                "leaves no protocol that is spoken", "Use TLSv1.2 or TLSv1.3."),
        };

        int Version(string keyword, int usual) =>
            values.GetValueOrDefault(keyword) is not { Value.Length: > 0 } setting
            ? usual : setting.Value.ToUpperInvariant() switch
        {
            "TLSV1" => 0,
            "TLSV1.1" => 1,
            "TLSV1.2" => 2,
            "TLSV1.3" => 3,
            _ => throw ConnectionStrings.Wrong(setting, "is none of the values that it may have", "Use TLSv1.2 or TLSv1.3."),
        };
    }

    /// <summary>Whether a server is on this machine, by its name or by the addresses of its name.</summary>
    public static bool IsLocal(ServerAddress server)
    {
        if (server.IsSocket)
        {
            return true;
        }

        try
        {
            return server.Target.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || System.Net.Dns.GetHostAddresses(server.Target) is { Length: > 0 } addresses
                && addresses.All(System.Net.IPAddress.IsLoopback);
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}

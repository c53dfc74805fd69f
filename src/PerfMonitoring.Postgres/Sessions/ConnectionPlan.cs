using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>All that a connection needs: the driver's settings, and the checks that are made when it connects.</summary>
internal sealed class ConnectionPlan(
    NpgsqlConnectionStringBuilder builder, IReadOnlyList<ServerAddress> servers, TlsSettings tls, string? sessionAttributes)
{
    // libpq looks up these folders in a password file as the host localhost: they are the default socket folders of its builds.
    private static readonly string[] DefaultFolders = ["/var/run/postgresql", "/tmp"];

    private readonly List<string> warnings = [];
    private IReadOnlyList<ServerAddress> servers = servers;
    private volatile bool wasEncrypted;
    private bool readsPasswordFile = true;

    /// <summary>The driver's settings, without the password.</summary>
    public NpgsqlConnectionStringBuilder Builder => builder;

    /// <summary>The given password; null if the password file has to provide it.</summary>
    public string? Password { get; init; }

    /// <summary>The path of the password file, which may not exist.</summary>
    public required string PasswordFile { get; init; }

    /// <summary>Warnings for the user about a connection that works.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>The servers that may answer; only one after a server has answered.</summary>
    public IReadOnlyList<ServerAddress> Servers => servers;

    /// <summary>Whether TLS was negotiated at least once.</summary>
    public bool TriedEncryption => wasEncrypted;

    public TlsSettings Tls => tls;

    /// <summary>The kind of server that is acceptable, as libpq's target_session_attrs; null for any.</summary>
    public string? SessionAttributes => sessionAttributes;

    /// <summary>Servers and database, as shown in messages.</summary>
    public string Address => $"{string.Join(',', servers)}/{builder.Database}";

    /// <summary>Warns about a password file that is not read, even if the server asks for no password.</summary>
    public void CheckPasswordFile()
    {
        if (Password is null && Sessions.PasswordFile.WhyNot(PasswordFile) is { } why)
        {
            readsPasswordFile = false;
            warnings.Add(why);
        }
    }

    /// <summary>Puts the servers into the driver's settings.</summary>
    public void AddTarget()
    {
        if (servers.Count == 1)
        {
            (builder.Host, builder.Port, builder.TargetSessionAttributes) = (servers[0].Target, servers[0].Port, null);
            return;
        }

        builder.Host = string.Join(
            ',', servers.Select(
                s => s.Target.Contains(':', StringComparison.Ordinal)
                ? $"[{s.Target.Trim('[', ']')}]:{s.Port}" : $"{s.Target}:{s.Port}"));
        builder.TargetSessionAttributes = sessionAttributes;
    }

    /// <summary>Ties the session to the server that answered, because the counters of two servers must not be mixed.</summary>
    public void Pin(NpgsqlConnection connection)
    {
        servers = [
            servers.FirstOrDefault(
                s => s.Port == connection.Port
                && string.Equals(s.Target.Trim('[', ']'), connection.Host?.Trim('[', ']'), StringComparison.Ordinal))
            ?? servers[0]];
        AddTarget();
    }

    /// <summary>Makes the driver use our lookup of the password and our check of the server's certificate.</summary>
    public void Configure(NpgsqlDataSourceBuilder source)
    {
        source.UsePasswordProvider(FindPassword, (settings, _) => ValueTask.FromResult(FindPassword(settings)));
        source.UseSslClientAuthenticationOptionsCallback(Configure);
    }

    /// <summary>Refuses a server that target_session_attrs does not allow.</summary>
    /// <exception cref="PerfMonitoringException">WrongServer.</exception>
    public void JudgeServer(bool isStandby, bool isReadOnly)
    {
        var fits = sessionAttributes switch
        {
            "read-write" => !isStandby && !isReadOnly,
            "read-only" => isStandby || isReadOnly,
            "primary" => !isStandby,
            "standby" => isStandby,
            _ => true,
        };
        if (!fits)
        {
            throw new PerfMonitoringException(
                ErrorIds.WrongServer, FailureKind.NotSupported,
                $"{Address} is a {(isStandby ? "standby" : isReadOnly ? "primary whose sessions are read-only" : "primary")}, "
                    + $"and target_session_attrs asks for {sessionAttributes}.",
                "Name the hosts of the others too (host=a,b), or ask for any.", Address);
        }
    }

    /// <summary>Adds to a refused login the reason why an existing password was not used.</summary>
    public Exception? Explain(Exception? failure) =>
        failure is PerfMonitoringException { ErrorId: ErrorIds.AuthenticationFailed } refused && warnings.Count > 0
        ? new PerfMonitoringException(
            refused.ErrorId, refused.Kind, $"{refused.Message} {string.Join(' ', warnings)}", refused.Remedy, refused.Subject,
            refused.InnerException)
        : failure;

    /// <summary>Warns about what a server on another machine is trusted with, unless the user chose the mode.</summary>
    public void JudgeEncryption(bool isEncrypted)
    {
        if (tls.Verification is not null || (tls.IsChosen && (isEncrypted || tls.Mode != "prefer"))
            || TlsSettings.IsLocal(servers[0]))
        {
            return;
        }

        warnings.Add(isEncrypted
            ? $"The connection to {servers[0]} is encrypted, but nobody checked that it is this server: whoever stands "
                + $"between can read and change what is sent. "
                + $"Use {tls.Parameter} verify-full, or choose another mode to leave this warning out."
            : $"The connection to {servers[0]} is not encrypted: whoever sees the network can read and change what is sent, "
                + $"queries and results included. "
                + $"Switch TLS on at the server and use {tls.Parameter} "
                + $"verify-full{(tls.IsChosen ? "" : ", or choose another mode to leave this warning out")}.");
    }

    // An empty string means no password. With null the driver would read the password file itself, without a check of its
    // permissions.
    internal string FindPassword(NpgsqlConnectionStringBuilder settings)
    {
        if (Password is not null || !readsPasswordFile)
        {
            return Password ?? "";
        }

        var server = ServerOf(settings.Host);
        return Sessions.PasswordFile.Find(
            PasswordFile, DefaultFolders.Contains(server.ShownName) ? "localhost" : server.ShownName, settings.Port,
            builder.Database!, builder.Username!) ?? "";
    }

    private void Configure(SslClientAuthenticationOptions options)
    {
        wasEncrypted = true;
        var host = ServerOf(options.TargetHost).ShownName.Trim('[', ']');
        options.TargetHost = tls.SendsName ? host : "";
        options.EnabledSslProtocols = tls.Protocols;
        if (tls.SendsNoCertificate)
        {
            options.ClientCertificateContext = null;
        }

        if (tls.Verification is { } verification)
        {
            options.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                verification.Verify(host, certificate as X509Certificate2, chain);
        }
    }

    private ServerAddress ServerOf(string? target) =>
        servers.FirstOrDefault(s => string.Equals(s.Target.Trim('[', ']'), target?.Trim('[', ']'), StringComparison.Ordinal))
            ?? servers[0];
}

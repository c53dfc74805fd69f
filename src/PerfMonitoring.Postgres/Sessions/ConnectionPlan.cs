using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>All that a connection needs: the driver's settings, and what is asked when it connects.</summary>
internal sealed class ConnectionPlan(
    NpgsqlConnectionStringBuilder builder, IReadOnlyList<ServerAddress> servers, TlsSettings tls, string? sessionAttributes)
{
    // What libpq takes for the host localhost in a password file: the folder that it was built with.
    private static readonly string[] DefaultFolders = ["/var/run/postgresql", "/tmp"];

    private readonly List<string> warnings = [];
    private IReadOnlyList<ServerAddress> servers = servers;
    private volatile bool wasEncrypted;
    private bool readsPasswordFile = true;

    /// <summary>The driver's settings, without the password.</summary>
    public NpgsqlConnectionStringBuilder Builder => builder;

    /// <summary>The password that was given; null for the password file's.</summary>
    public string? Password { get; init; }

    /// <summary>The password file, whether it is there or not.</summary>
    public required string PasswordFile { get; init; }

    /// <summary>What the user has to know, though the connection works.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>The servers that may answer; one, once one did.</summary>
    public IReadOnlyList<ServerAddress> Servers => servers;

    /// <summary>Whether TLS was negotiated at least once.</summary>
    public bool TriedEncryption => wasEncrypted;

    public TlsSettings Tls => tls;

    /// <summary>Which server will do: one of libpq's target_session_attrs; null for any.</summary>
    public string? SessionAttributes => sessionAttributes;

    /// <summary>Servers and database, as messages name them.</summary>
    public string Address => $"{string.Join(',', servers)}/{builder.Database}";

    /// <summary>Warns of a password file that is not read, whether the server will ask for a password or not.</summary>
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

    /// <summary>A session stays with the server that answered: the counters of two must not be mixed.</summary>
    public void Pin(NpgsqlConnection connection)
    {
        servers = [
            servers.FirstOrDefault(
            s => s.Port == connection.Port
            && string.Equals(s.Target.Trim('[', ']'), connection.Host?.Trim('[', ']'), StringComparison.Ordinal)) ?? servers[0]];
        AddTarget();
    }

    /// <summary>Lets the driver ask for the password and for the server's certificate.</summary>
    public void Configure(NpgsqlDataSourceBuilder source)
    {
        source.UsePasswordProvider(FindPassword, (settings, _) => ValueTask.FromResult(FindPassword(settings)));
        source.UseSslClientAuthenticationOptionsCallback(Configure);
    }

    /// <summary>Refuses a server that is another one than target_session_attrs asks for.</summary>
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

    /// <summary>Adds to a login that was refused why a password that is there was not used.</summary>
    public Exception? Explain(Exception? failure) =>
        failure is PerfMonitoringException { ErrorId: ErrorIds.AuthenticationFailed } refused && warnings.Count > 0
        ? new PerfMonitoringException(
            refused.ErrorId, refused.Kind, $"{refused.Message} {string.Join(' ', warnings)}", refused.Remedy, refused.Subject,
            refused.InnerException)
        : failure;

    /// <summary>Says what a server that is not on this machine is trusted with, unless somebody chose that.</summary>
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

    // An empty one is none; null would let the driver look into the password file itself, whoever can read that.
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

using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>The parameters that stand above what an entry of a fleet says.</summary>
internal sealed record ConnectionParameters
{
    /// <summary>Login and limits; what is null is left to the entry.</summary>
    public required ConnectionSettings Settings { get; init; }

    /// <summary>Databases; empty for those of the entry.</summary>
    public required IReadOnlyList<string> Databases { get; init; }

    /// <summary>The store; where anything is set, it stands for the whole store of the entry.</summary>
    public required ConnectionSettings Store { get; init; }

    /// <summary>The acting user, or null.</summary>
    public required string? ActingUser { get; init; }

    /// <summary>The request for an entry.</summary>
    /// <param name="server">The entry.</param>
    /// <param name="credentials">Gets its credentials; null to check the request without them.</param>
    /// <exception cref="PerfMonitoringException">CredentialCommandFailed.</exception>
    public ConnectionRequest Request(InventoryServer server, CredentialCommands? credentials)
    {
        var login = Settings.UserName is null ? credentials?.Get(server.Credential) : null;
        var storeLogin = Store.IsEmpty ? credentials?.Get(server.StoreCredential) : null;
        return new ConnectionRequest
        {
            Name = server.Name,
            Settings = server.Settings with
            {
                UserName = Settings.UserName ?? NameOf(login) ?? server.Settings.UserName,
                Password = Settings.Password ?? PasswordOf(login),
                SslMode = Settings.SslMode ?? server.Settings.SslMode,
                ConnectTimeout = Settings.ConnectTimeout ?? server.Settings.ConnectTimeout,
                CommandTimeout = Settings.CommandTimeout ?? server.Settings.CommandTimeout,
            },
            Databases = Databases.Count > 0 ? Databases : server.Databases,
            Store = !Store.IsEmpty ? Store
                : server.Store with
                {
                    UserName = NameOf(storeLogin) ?? server.Store.UserName,
                    Password = PasswordOf(storeLogin),
                },
            ActingUser = ActingUser ?? server.ActingUser,
            Group = server.Group,
            Tags = server.Tags,
            MaintenanceWindows = server.MaintenanceWindows,
            Thresholds = server.Thresholds,
        };
    }

    // PSCredential puts a backslash before a name without a domain on some paths.
    public static string? NameOf(PSCredential? credential) => credential?.UserName.TrimStart('\\');

    public static string? PasswordOf(PSCredential? credential) => credential?.GetNetworkCredential().Password;
}

using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Opens a session with a database and makes it the runspace's default.</summary>
[Cmdlet(
    VerbsCommunications.Connect, "PerfMonitoring",
    DefaultParameterSetName = "Parts",
    HelpUri = OnlineHelp.Folder + "Connect-PerfMonitoring.md")]
[OutputType(typeof(PerfMonitoringSession))]
public sealed class ConnectPerfMonitoringCommand : PerfCmdlet
{
    [Parameter(Position = 0, ParameterSetName = "Parts", ValueFromPipelineByPropertyName = true)]
    [Alias("ComputerName", "ServerInstance")]
    [ValidateNotNullOrEmpty]
    public string? HostName { get; set; }

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = "Parts")]
    [ValidateNotNullOrEmpty]
    public string? Database { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = "Parts")]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "ConnectionString")]
    [ValidateNotNullOrEmpty]
    public string? ConnectionString { get; set; }

    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    [Parameter]
    [ValidateSet("disable", "allow", "prefer", "require", "verify-ca", "verify-full")]
    public string? SslMode { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? StoreHostName { get; set; }

    [Parameter]
    [ValidateRange(1, 65535)]
    public int StorePort { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? StoreDatabase { get; set; }

    [Parameter]
    [Credential]
    public PSCredential? StoreCredential { get; set; }

    [Parameter]
    [ValidateSet("disable", "allow", "prefer", "require", "verify-ca", "verify-full")]
    public string? StoreSslMode { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? StoreConnectionString { get; set; }

    /// <summary>The time limit of a connection attempt, for either database.</summary>
    [Parameter]
    [Duration("1s", "15m")]
    public TimeSpan? ConnectTimeout { get; set; }

    /// <summary>The time limit of one answer of either server.</summary>
    [Parameter]
    [Duration("1s", "1d")]
    public TimeSpan? CommandTimeout { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    [Parameter]
    [ValidateLength(1, 100)]
    public string? ActingUser { get; set; }

    /// <summary>
    /// Arguments that belong to no parameter. PowerShell's own error would repeat them, and one may be a password.
    /// </summary>
    [Parameter(ValueFromRemainingArguments = true, DontShow = true)]
    public string[]? Unexpected { get; set; }

    protected override void ProcessRecord() => Run(() =>
    {
        RefuseUnexpected();
        var sessions = SessionTable.Current;
        if (Name is not null && SessionTable.Plain(Name) != Name)
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidSessionName, FailureKind.InvalidArgument,
                $"-Name '{Name}' cannot be a session's name: it holds a wildcard or what cannot be seen.",
                "Choose a name without *, ?, [, ], a backtick, control characters and blanks at its ends.", Name);
        }

        if (StoreConnectionString is not null && (StoreHostName is not null || StorePort != 0 || StoreDatabase is not null))
        {
            throw new PerfMonitoringException(
                ErrorIds.StoreGivenTwice, FailureKind.InvalidArgument,
                "-StoreConnectionString cannot be used together with -StoreHostName, -StorePort or -StoreDatabase.",
                "Write all of it into -StoreConnectionString, or none; -StoreCredential and -StoreSslMode may stand beside it.");
        }

        if (Name is not null && sessions.Find(Name) is not null)
        {
            throw new PerfMonitoringException(
                ErrorIds.SessionExists, FailureKind.AlreadyExists, $"There is a session named '{Name}' already.",
                "Choose another -Name, or run Disconnect-PerfMonitoring first.", Name);
        }

        var monitored = new ConnectionSettings
        {
            ConnectionString = ConnectionString,
            HostName = HostName,
            Port = Port == 0 ? null : Port,
            Database = Database,
            UserName = UserNameOf(Credential),
            Password = Credential?.GetNetworkCredential().Password,
            SslMode = SslMode,
            ConnectTimeout = ConnectTimeout,
            CommandTimeout = CommandTimeout,
        };
        var store = new ConnectionSettings
        {
            ConnectionString = StoreConnectionString,
            HostName = StoreHostName,
            Port = StorePort == 0 ? null : StorePort,
            Database = StoreDatabase,
            UserName = UserNameOf(StoreCredential),
            Password = StoreCredential?.GetNetworkCredential().Password,
            SslMode = StoreSslMode,
        };
        var connection = Await(
            token => Backend.Get().ConnectAsync(monitored, store.IsEmpty ? null : Complete(store, monitored), ActingUser, token));
        var session = new PerfMonitoringSession(Name ?? sessions.SuggestName(connection.Target.Database), connection);
        sessions.Add(session, makeDefault: true);
        foreach (var warning in connection.Warnings)
        {
            WriteWarning(warning);
        }

        WriteObject(session);
    });

    // A store on the same server as the monitored database needs only a database name.
    private static ConnectionSettings Complete(ConnectionSettings store, ConnectionSettings monitored) =>
        store.ConnectionString is not null || store.HostName is not null
            ? store with { IsStore = true, ConnectTimeout = monitored.ConnectTimeout, CommandTimeout = monitored.CommandTimeout }
            : monitored with
            {
                IsStore = true,
                Port = store.Port ?? monitored.Port,
                Database = store.Database ?? monitored.Database,
                UserName = store.UserName ?? monitored.UserName,
                Password = store.Password ?? monitored.Password,
                SslMode = store.SslMode ?? monitored.SslMode,
            };

    // Causes are host=db1 user=dba password=... without quotes, or a misspelt parameter name, which is not a secret.
    private void RefuseUnexpected()
    {
        if (Unexpected is { Length: > 0 } words)
        {
            var parameter = words.FirstOrDefault(w => w.Length > 1 && w[0] == '-' && w.Skip(1).All(char.IsAsciiLetter));
            throw new PerfMonitoringException(
                ErrorIds.UnexpectedArgument, FailureKind.InvalidArgument,
                parameter is null
                    ? "Something stands behind host and database that is no parameter."
                    : $"Connect-PerfMonitoring has no parameter {parameter}.",
                "Put a connection string in quotes: -ConnectionString 'host=db1 dbname=app user=dba'. Get-Help "
                    + "Connect-PerfMonitoring lists the parameters.",
                "Connect-PerfMonitoring");
        }
    }

    // PSCredential puts a backslash before a name without a domain on some paths.
    private static string? UserNameOf(PSCredential? credential) => credential?.UserName.TrimStart('\\');
}

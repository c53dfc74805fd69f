using System.Collections;
using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Opens sessions with one database, several, or a fleet. A session of its own becomes the runspace's default; those of a fleet
/// do not.
/// </summary>
[Cmdlet(
    VerbsCommunications.Connect, "PerfMonitoring",
    DefaultParameterSetName = Parts,
    HelpUri = OnlineHelp.Folder + "Connect-PerfMonitoring.md")]
[OutputType(typeof(PerfMonitoringSession))]
public sealed class ConnectPerfMonitoringCommand : PerfCmdlet
{
    private const string Parts = "Parts";
    private const string FromInventory = "Inventory";
    private const string FromTable = "InputObject";

    private readonly HashSet<string> warnings = new(StringComparer.Ordinal);
    private readonly List<PerfMonitoringSession> opened = [];
    private FleetConnector connector = null!;
    private CredentialCommands credentials = null!;
    private int failures;
    private bool isRefused;

    [Parameter(Position = 0, ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FromInventory)]
    [Alias("ComputerName", "ServerInstance")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? HostName { get; set; }

    [Parameter(Position = 1, ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FromInventory)]
    [Parameter(ParameterSetName = FromTable)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    public string[]? Database { get; set; }

    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [PortOrNothing]
    public int? Port { get; set; }

    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    public string[]? ConnectionString { get; set; }

    /// <summary>Sections of libpq's connection service files.</summary>
    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ServiceCompleter))]
    public string[]? Service { get; set; }

    /// <summary>A .psd1 file with the servers of a fleet.</summary>
    [Parameter(ParameterSetName = FromInventory, Mandatory = true)]
    public string? Inventory { get; set; }

    /// <summary>The keys of one server, or a whole inventory.</summary>
    [Parameter(ParameterSetName = FromTable, Mandatory = true, ValueFromPipeline = true)]
    public IDictionary? InputObject { get; set; }

    /// <summary>The session's name; with an inventory, which of its servers.</summary>
    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FromInventory)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? Name { get; set; }

    /// <summary>The session's group; with an inventory, which of its groups.</summary>
    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FromInventory)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? Group { get; set; }

    /// <summary>The session's tags; with an inventory, the servers with one of these tags.</summary>
    [Parameter(ParameterSetName = Parts, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = FromInventory)]
    [Alias("Tags")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? Tag { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [CredentialOrNothing]
    public PSCredential? Credential { get; set; }

    /// <summary>The role, where pgpass or the environment has the password.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    public string? UserName { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(SslModeCompleter))]
    public string? SslMode { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(FleetCompleter))]
    [Configured("Connection.StoreHostName", Unless = [nameof(StoreConnectionString)])]
    public string? StoreHostName { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [PortOrNothing]
    [Configured("Connection.StorePort", Unless = [nameof(StoreConnectionString)])]
    public int? StorePort { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    [Configured("Connection.StoreDatabase", Unless = [nameof(StoreConnectionString)])]
    public string? StoreDatabase { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [CredentialOrNothing]
    public PSCredential? StoreCredential { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(SslModeCompleter))]
    public string? StoreSslMode { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    public string? StoreConnectionString { get; set; }

    /// <summary>The time limit for a session to begin, for either database.</summary>
    [Parameter]
    [Duration("1s", "15m")]
    [Configured("Connection.ConnectTimeout", Unless = [nameof(ConnectionString)])]
    public TimeSpan? ConnectTimeout { get; set; }

    /// <summary>The time limit of one answer of either server.</summary>
    [Parameter]
    [Duration("1s", "1d")]
    [Configured("Connection.CommandTimeout", Unless = [nameof(ConnectionString)])]
    public TimeSpan? CommandTimeout { get; set; }

    [Parameter]
    [ValidateLength(1, 100)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    public string? ActingUser { get; set; }

    /// <summary>How many databases are connected at the same time.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    [Configured("Session.ThrottleLimit")]
    public int ThrottleLimit { get; set; } = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>Replaces open sessions of the same names.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>
    /// Arguments that belong to no parameter. PowerShell's own error would repeat them, and one may be a password.
    /// </summary>
    [Parameter(ValueFromRemainingArguments = true, DontShow = true)]
    [ArgumentCompleter(typeof(NothingCompleter))]
    public string[]? Unexpected { get; set; }

    private bool IsPiped => MyInvocation.ExpectingInput;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(RefuseUnexpected);
        connector = new FleetConnector(
            Backend.Get(), ThrottleLimit, SessionTable.Current.All.Select(s => s.Name), Force);
        credentials = new CredentialCommands(InvokeCommand);
    }

    protected override void ProcessRecord()
    {
        try
        {
            Arguments.Check(MyInvocation.BoundParameters, areTyped: false, GetType());
            foreach (var server in Servers())
            {
                Add(server);
            }
        }
        catch (PerfMonitoringException e)
        {
            // An object of the pipeline may be wrong and the others right. Parameters are right or nothing is connected.
            isRefused = !IsPiped;
            Fail(e, isOneOfMany: IsPiped);
        }
    }

    protected override void EndProcessing()
    {
        if (isRefused || connector.ServerCount == 0)
        {
            return;
        }

        foreach (var server in connector.Describe())
        {
            WriteVerbose($"Connecting to {server}");
        }

        Run(() =>
        {
            ShowProgress(0);
            var done = 0;
            WriteAll(connector.RunAsync, happened =>
            {
                done += happened is FleetEvent.Done ? 1 : 0;
                Handle(happened);
                ShowProgress(done);
            });
            // One session is as good as asked for by name. Of several, none is meant more than the others.
            if (opened.Count == 1 && failures == 0)
            {
                SessionTable.Current.MakeDefault(opened[0]);
            }
        });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && connector is not null)
        {
            Task.Run(() => connector.DisposeAsync().AsTask()).GetAwaiter().GetResult();
        }

        base.Dispose(disposing);
    }

    private IEnumerable<InventoryServer> Servers() => ParameterSetName switch
    {
        FromInventory => OfInventory(),
        FromTable => InventoryFile.Read(InputObject!),
        _ => new ServerParameters
        {
            HostName = HostName,
            Service = Service,
            ConnectionString = ConnectionString,
            Port = Port,
            Name = Name,
            Group = Group,
            Tag = Tag,
            IsPiped = IsPiped,
        }.Read(),
    };

    // Any other source of a fleet (a registry) is read here, too: it is an Inventory and where it comes from.
    private List<InventoryServer> OfInventory()
    {
        var path = PathOf(Inventory!);
        return Choose(InventoryFile.Read(path), path);
    }

    private List<InventoryServer> Choose(Inventory inventory, string origin)
    {
        var chosen = FleetSelection.Choose(
            inventory, origin, (nameof(Name), Name), (nameof(HostName), HostName), (nameof(Group), Group), (nameof(Tag), Tag));
        if (chosen.Count == 0)
        {
            WriteWarning($"No server of {origin} is chosen.");
        }

        // Everything is checked before anything is connected and before anybody is asked for a password.
        FleetSelection.Check(chosen.Select(s => (s, Above().Request(s, null))), origin);
        return chosen;
    }

    private ConnectionParameters Above()
    {
        if (Given(StoreConnectionString) is not null
            && (Given(StoreHostName) ?? Given(StoreDatabase) ?? (object?)StorePort) is not null)
        {
            throw new PerfMonitoringException(
                ErrorIds.StoreGivenTwice, FailureKind.InvalidArgument,
                "-StoreConnectionString cannot be used together with -StoreHostName, -StorePort or -StoreDatabase.",
                "Write all of it into -StoreConnectionString, or none; -StoreCredential and -StoreSslMode may stand beside it.");
        }

        return new ConnectionParameters
        {
            Settings = new ConnectionSettings
            {
                UserName = ConnectionParameters.NameOf(Credential) ?? Given(UserName),
                Password = ConnectionParameters.PasswordOf(Credential),
                SslMode = Given(SslMode),
                ConnectTimeout = ConnectTimeout,
                CommandTimeout = CommandTimeout,
            },
            Databases = [.. (Database ?? []).Where(d => !string.IsNullOrWhiteSpace(d))],
            Store = new ConnectionSettings
            {
                ConnectionString = Given(StoreConnectionString),
                HostName = Given(StoreHostName),
                Port = ServerParameters.CheckPort(StorePort, nameof(StorePort)),
                Database = Given(StoreDatabase),
                UserName = ConnectionParameters.NameOf(StoreCredential),
                Password = ConnectionParameters.PasswordOf(StoreCredential),
                SslMode = Given(StoreSslMode),
            },
            ActingUser = ActingUser,
        };
    }

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private void Add(InventoryServer server)
    {
        var above = Above();
        var request = above.Request(server, null);
        var address = connector.Check(request);
        try
        {
            request = above.Request(server, credentials);
        }
        catch (PerfMonitoringException e)
        {
            // A credential that cannot be had is the failure of its server. The others are connected.
            Fail(e.WithSubject(FleetConnector.TargetOf(request, address, [.. request.Databases])), isOneOfMany: true);
            return;
        }

        connector.Add(request);
    }

    private void Handle(FleetEvent happened)
    {
        switch (happened)
        {
            case FleetEvent.Connected connected:
                Open(connected);
                break;
            case FleetEvent.Failed failed:
                Fail(failed.Failure.WithSubject(failed.Target), isOneOfMany: IsPiped || !connector.IsSingle);
                break;
            case FleetEvent.Noted noted:
                WriteWarning(noted.Text);
                break;
        }
    }

    private void Open(FleetEvent.Connected connected)
    {
        var sessions = SessionTable.Current;
        var session = new PerfMonitoringSession(connected.Name, connected.Connection, connected.Request);
        connector.Take(connected.Connection);
        var replaced = sessions.Find(session.Name);
        var makeDefault = connector.IsSingle || replaced?.IsDefault == true;
        if (replaced is not null)
        {
            sessions.Remove(replaced);
            Await(_ => replaced.Connection.DisposeAsync().AsTask());
        }

        sessions.Add(session, makeDefault);
        opened.Add(session);
        foreach (var warning in connected.Connection.Warnings.Where(warnings.Add))
        {
            WriteWarning(warning);
        }

        WriteObject(session);
    }

    // The failure of the one server that was asked for ends the statement, so that try and catch see it. -ErrorAction says
    // otherwise, and for a fleet each failure is an error record.
    private void Fail(PerfMonitoringException e, bool isOneOfMany)
    {
        failures++;
        var record = Errors.Record(e);
        if (isOneOfMany || MyInvocation.BoundParameters.ContainsKey("ErrorAction"))
        {
            WriteError(record);
        }
        else
        {
            ThrowTerminatingError(record);
        }
    }

    private void ShowProgress(int done)
    {
        if (connector.ServerCount > 1 || !connector.IsSingle)
        {
            WriteProgress(new ProgressRecord(
                1, "Connecting", string.Create(
                    CultureInfo.InvariantCulture,
                    $"{done} of {connector.ServerCount} servers, {opened.Count} sessions, {failures} errors"))
            {
                PercentComplete = connector.ServerCount == 0 ? 100 : 100 * done / connector.ServerCount,
                RecordType = done == connector.ServerCount ? ProgressRecordType.Completed : ProgressRecordType.Processing,
            });
        }
    }

    private string PathOf(string inventory)
    {
        try
        {
            return GetUnresolvedProviderPathFromPSPath(inventory);
        }
        catch (Exception e) when (e is RuntimeException and not PipelineStoppedException)
        {
            throw new PerfMonitoringException(
                ErrorIds.InventoryNotFound, FailureKind.NotFound, $"There is no inventory file {inventory}.",
                "Check -Inventory; about_PerfMonitoring_Fleet shows what such a file holds.", inventory, e);
        }
    }

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
}

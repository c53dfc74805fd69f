using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Connects many databases of many servers at once. A server is tried with one of its databases first. If the server is down, or
/// refuses the login, its other databases are not tried: one failure and one time limit for a server, however many databases it
/// has.
/// </summary>
/// <param name="backend">Opens connections.</param>
/// <param name="throttleLimit">The most attempts at the same time.</param>
/// <param name="taken">The names of the open sessions.</param>
/// <param name="force">Whether a session replaces the open one of its name.</param>
internal sealed class FleetConnector(
    IMonitoringBackend backend, int throttleLimit, IEnumerable<string> taken, bool force) : IAsyncDisposable
{
    private readonly HashSet<string> taken = new(taken, StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> given = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, PerfMonitoringException> down = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<IMonitoringConnection, bool> opened = new();
    private readonly SemaphoreSlim places = new(throttleLimit);
    private readonly List<Wish> wishes = [];

    /// <summary>The number of servers.</summary>
    public int ServerCount => wishes.Select(w => w.Address.Servers).Distinct(StringComparer.OrdinalIgnoreCase).Count();

    /// <summary>Whether one database of one server is wished for.</summary>
    public bool IsSingle => wishes is [{ Databases: [{ IsPattern: false }] }];

    /// <summary>
    /// Adds a wish. Its settings are checked, and nothing is connected. The same database of the same server with the same login
    /// and name is wished for once.
    /// </summary>
    /// <exception cref="PerfMonitoringException">As <see cref="IMonitoringBackend.Resolve"/>.</exception>
    public void Add(ConnectionRequest request)
    {
        var address = Check(request);
        Wanted[] databases = request.Databases.Count == 0
            ? [new Wanted(null, address.Database, IsPattern: false)]
            : [.. request.Databases.Distinct(StringComparer.Ordinal).Select(d => Wildcard.IsIn(d)
                ? new Wanted(null, d, IsPattern: true)
                : new Wanted(Wildcard.Unescape(d), Wildcard.Unescape(d), IsPattern: false))];
        var others = wishes.Where(w => w.Address.Servers == address.Servers && w.Address.UserName == address.UserName
            && w.Request.Name == request.Name);
        databases = [.. databases.Except(others.SelectMany(w => w.Databases))];
        if (databases.Length > 0)
        {
            wishes.Add(new Wish(request, address, databases));
        }
    }

    /// <summary>Checks the settings of a wish. Nothing is connected.</summary>
    /// <exception cref="PerfMonitoringException">As <see cref="IMonitoringBackend.Resolve"/>.</exception>
    public ConnectionAddress Check(ConnectionRequest request)
    {
        // What was given as a database may be a connection string with a password, which no later message may repeat.
        foreach (var database in request.Databases)
        {
            backend.Resolve(request.Settings with { Database = database });
        }

        if (request.Store.AsStoreOf(request.Settings) is { } store)
        {
            backend.Resolve(store);
        }

        return backend.Resolve(request.Settings);
    }

    /// <summary>The servers, their roles and their databases, for a verbose line each.</summary>
    public IEnumerable<string> Describe() => wishes.Select(w =>
        $"{w.Address.Servers} as {w.Address.UserName}: {string.Join(", ", w.Databases.Select(d => d.Shown))}");

    /// <summary>What is wished for, for the target of an error.</summary>
    public static ConnectionTarget TargetOf(
        ConnectionRequest request, ConnectionAddress address, params string[] databases) => new()
        {
            Name = request.Name,
            HostName = address.HostName,
            Port = address.Port,
            Database = databases,
            UserName = address.UserName,
            Group = request.Group,
            Tag = request.Tags,
        };

    /// <summary>Connects everything. Events come as they happen.</summary>
    public async IAsyncEnumerable<FleetEvent> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var abandon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var events = Channel.CreateUnbounded<FleetEvent>(new UnboundedChannelOptions { SingleReader = true });
        AssignNames();
        var running = RunServersAsync(events.Writer, abandon.Token);
        try
        {
            await foreach (var happened in events.Reader.ReadAllAsync(cancellationToken))
            {
                yield return happened;
            }

            await running;
        }
        finally
        {
            await abandon.CancelAsync();
            await running.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
        }
    }

    /// <summary>Takes a connection over: it stays open when the connector ends.</summary>
    public void Take(IMonitoringConnection connection) => opened.TryRemove(connection, out _);

    /// <summary>Closes the connections that nobody took, because the run was cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var connection in opened.Keys)
        {
            await connection.DisposeAsync();
        }

        places.Dispose();
    }

    private static ConnectionTarget TargetOf(Wish wish, params string[] databases) =>
        TargetOf(wish.Request, wish.Address, databases) with
        {
            Name = databases is [var only] && !Wildcard.IsIn(only) ? SessionName.Of(wish.NameOf(only)) : wish.Request.Name,
        };

    // Names depend on the call alone, and not on what answers: a session is called the same every night.
    private void AssignNames()
    {
        var nameless = wishes.Where(w => w.Request.Name is null).ToList();
        var databases = nameless.SelectMany(w => w.Databases.Select(d => (w.Address.Servers, Database: d))).Distinct().ToList();
        var isAnyPattern = databases.Exists(d => d.Database.IsPattern);
        var shared = databases.GroupBy(d => d.Database.Shown, d => d.Servers, StringComparer.OrdinalIgnoreCase)
            .Where(d => d.Distinct().Count() > 1).Select(d => d.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var hosts = wishes.Select(w => w.Address).DistinctBy(a => a.Servers).ToLookup(a => a.HostName);
        var isFleet = nameless.DistinctBy(w => w.Address.Servers).Count() > 1;
        foreach (var wish in wishes)
        {
            var server = hosts[wish.Address.HostName].Count() > 1 ? wish.Address.Servers : wish.Address.HostName;
            wish.NameOf = database =>
                wish.Request.Name is { } name ? wish.Databases is [{ IsPattern: false }] ? name : $"{name}/{database}"
                : isFleet && (isAnyPattern || shared.Contains(database)) ? $"{server}/{database}"
                : database;
        }
    }

    private async Task RunServersAsync(ChannelWriter<FleetEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(wishes.GroupBy(w => w.Address.Servers, StringComparer.OrdinalIgnoreCase)
                .Select(server => RunServerAsync([.. server], events, cancellationToken)));
            events.Complete();
        }
        catch (Exception e)
        {
            events.Complete(e);
        }
    }

    private async Task RunServerAsync(Wish[] server, ChannelWriter<FleetEvent> events, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var run = new ServerRun(events, giveUp);
        foreach (var wish in server)
        {
            // A wish is a login of its own: the first database of it that answers says that the others are worth a try.
            var databases = await FindAsync(wish, run);
            var next = 0;
            while (next < databases.Count && !run.IsHopeless(wish) && !run.HasAnswered(wish))
            {
                await ConnectAsync(wish, databases[next++], run);
            }

            if (!run.IsHopeless(wish))
            {
                run.Start(databases.Skip(next), database => ConnectAsync(wish, database, run));
            }
        }

        await run.EndAsync();
        cancellationToken.ThrowIfCancellationRequested();
        events.TryWrite(new FleetEvent.Done());
    }

    // The databases of a wish: those that are written, and those that the server has for its patterns.
    private async Task<List<Wanted>> FindAsync(Wish wish, ServerRun run)
    {
        var databases = wish.Databases.Where(d => !d.IsPattern).ToList();
        var patterns = wish.Databases.Where(d => d.IsPattern).Select(d => d.Shown).ToList();
        if (patterns.Count == 0)
        {
            return databases;
        }

        var found = new List<string>();
        if (!await TryAsync(wish, null, run, async token =>
            found.AddRange(await backend.FindDatabasesAsync(wish.Request.Settings, patterns, token))))
        {
            return [];
        }

        databases.AddRange(found.Where(f => !databases.Exists(d => d.Name == f)).Select(f => new Wanted(f, f, IsPattern: false)));
        run.Answer(wish, null, [.. databases.Select(d => d.Shown)]);
        foreach (var pattern in patterns.Where(p => !found.Exists(f => Wildcard.Matches(p, f))))
        {
            run.Events.TryWrite(new FleetEvent.Noted(
                $"{wish.Address.Servers} has no database that matches '{pattern}' and that {wish.Address.UserName} may connect "
                    + "to."));
        }

        return databases;
    }

    private async Task ConnectAsync(Wish wish, Wanted database, ServerRun run)
    {
        if (NameFor(wish, database.Shown, run) is not { } name)
        {
            return;
        }

        var settings = database.Name is null ? wish.Request.Settings : wish.Request.Settings with { Database = database.Name };
        await TryAsync(wish, database, run, async token =>
        {
            var connection = await backend.ConnectAsync(
                settings, wish.Request.Store.AsStoreOf(settings), wish.Request.ActingUser, token);
            opened[connection] = true;
            run.Answer(wish, database.Shown);
            run.Events.TryWrite(new FleetEvent.Connected(wish.Request, name, connection));
        });
    }

    // Null if the name is taken, which is a failure of this database.
    private string? NameFor(Wish wish, string database, ServerRun run)
    {
        string name;
        lock (given)
        {
            name = SessionName.Of(wish.NameOf(database));
            var isWritten = wish.Request.Name is { } own && name == own;
            // Without a name of its own, one database gets a free name, as the second session with a database always did.
            name = isWritten ? name : SessionName.Free(name, n => given.Contains(n) || (IsSingle && !force && taken.Contains(n)));
            if (given.Add(name) && (force || !taken.Contains(name)))
            {
                return name;
            }
        }

        run.Events.TryWrite(new FleetEvent.Failed(
            TargetOf(wish, database) with { Name = name },
            new PerfMonitoringException(
                ErrorIds.SessionExists, FailureKind.AlreadyExists, $"There is a session named '{name}' already.",
                "Use -Force to replace it, choose another -Name, or run Disconnect-PerfMonitoring first.", name)));
        return null;
    }

    // Runs one attempt in its place. A failure of the server ends all attempts on it.
    private async Task<bool> TryAsync(Wish wish, Wanted? database, ServerRun run, Func<CancellationToken, Task> attempt)
    {
        try
        {
            await places.WaitAsync(run.Token);
            try
            {
                if (Known(wish, database) is { } known)
                {
                    throw known;
                }

                await attempt(run.Token);
                return true;
            }
            finally
            {
                places.Release();
            }
        }
        catch (PerfMonitoringException e)
        {
            var reach = ReachOf(e, wish, database, run);
            if (reach == Reach.Server)
            {
                down.TryAdd(wish.Address.Servers, e);
            }
            else if (e is { IsOfStore: true, Kind: FailureKind.ConnectionFailed } && StoreOf(wish, database) is { } store)
            {
                down.TryAdd(store, e);
            }

            run.Fail(wish, database, e, reach);
            return false;
        }
        catch (OperationCanceledException) when (run.Token.IsCancellationRequested)
        {
            // The server was given up, which has been told, or the whole run was cancelled.
            return false;
        }
    }

    private PerfMonitoringException? Known(Wish wish, Wanted? database) =>
        down.TryGetValue(wish.Address.Servers, out var failure)
            || (database is not null && StoreOf(wish, database) is { } store && down.TryGetValue(store, out failure))
            ? failure : null;

    private string? StoreOf(Wish wish, Wanted? database) =>
        wish.Request.Store.AsStoreOf(wish.Request.Settings with { Database = database?.Name }) is { } store
            ? backend.Resolve(store).Servers : null;

    private static Reach ReachOf(PerfMonitoringException e, Wish wish, Wanted? database, ServerRun run) => e switch
    {
        // All databases of a wish have one store.
        { IsOfStore: true } => Reach.Login,
        { Kind: FailureKind.ConnectionFailed }
            or { ErrorId: ErrorIds.ServerTooOld or ErrorIds.WrongServer or ErrorIds.TooManyConnections } => Reach.Server,
        // pg_hba.conf may refuse one database only. A wrong password must not be sent for each database, which may lock the role.
        { ErrorId: ErrorIds.AuthenticationFailed, InnerException: DbException { SqlState: "28000" } }
            when database is not null && run.HasAnswered(wish) => Reach.Database,
        { ErrorId: ErrorIds.AuthenticationFailed, InnerException: DbException { SqlState: "28000" } }
            when database is not null && !run.IsDoubted(wish) => Reach.Doubtful,
        { ErrorId: ErrorIds.AuthenticationFailed } => Reach.Login,
        _ => database is null ? Reach.Login : Reach.Database,
    };

    /// <summary>How much a failure concerns.</summary>
    private enum Reach
    {
        /// <summary>One database.</summary>
        Database,

        /// <summary>One database or all: the next attempt with this login tells.</summary>
        Doubtful,

        /// <summary>All databases with this login.</summary>
        Login,

        /// <summary>The whole server.</summary>
        Server,
    }

    /// <summary>A database that is wished for.</summary>
    /// <param name="Name">Its name; null for the one of the settings.</param>
    /// <param name="Shown">Its name in messages, or a pattern.</param>
    /// <param name="IsPattern">Whether the server has to be asked which ones match.</param>
    private sealed record Wanted(string? Name, string Shown, bool IsPattern);

    private sealed record Wish(ConnectionRequest Request, ConnectionAddress Address, IReadOnlyList<Wanted> Databases)
    {
        public Func<string, string> NameOf { get; set; } = database => database;

        public (string, string?) Login => (Address.UserName, Request.Settings.Password);

        /// <summary>The databases that are not connected yet, or the patterns that the server was not asked for.</summary>
        public List<string> Open { get; } = [.. Databases.Select(d => d.Shown)];
    }

    /// <summary>The state of the attempts on one server.</summary>
    private sealed class ServerRun(ChannelWriter<FleetEvent> events, CancellationTokenSource giveUp)
    {
        private readonly object state = new();
        private readonly HashSet<(string, string?)> answered = [];
        private readonly HashSet<(string, string?)> refused = [];
        private readonly Dictionary<(string, string?), FleetEvent.Failed> doubted = [];
        private readonly List<Task> running = [];
        private bool isOver;

        public ChannelWriter<FleetEvent> Events => events;

        public CancellationToken Token { get; } = giveUp.Token;

        /// <summary>Whether more attempts with the login are worthwhile.</summary>
        public bool IsHopeless(Wish wish)
        {
            lock (state)
            {
                return isOver || Token.IsCancellationRequested || refused.Contains(wish.Login);
            }
        }

        public bool HasAnswered(Wish wish)
        {
            lock (state)
            {
                return answered.Contains(wish.Login);
            }
        }

        public bool IsDoubted(Wish wish)
        {
            lock (state)
            {
                return doubted.ContainsKey(wish.Login);
            }
        }

        /// <summary>The server has accepted the login.</summary>
        public void Answer(Wish wish, string? database, IReadOnlyList<string>? found = null)
        {
            lock (state)
            {
                answered.Add(wish.Login);
                wish.Open.Remove(database ?? "");
                if (found is not null)
                {
                    wish.Open.Clear();
                    wish.Open.AddRange(found);
                }

                if (doubted.Remove(wish.Login, out var doubt))
                {
                    events.TryWrite(doubt);
                }
            }
        }

        public void Start(IEnumerable<Wanted> databases, Func<Wanted, Task> connect) =>
            running.AddRange(databases.Select(connect));

        public void Fail(Wish wish, Wanted? database, PerfMonitoringException e, Reach reach)
        {
            lock (state)
            {
                switch (reach)
                {
                    case Reach.Doubtful:
                        doubted[wish.Login] = new(TargetOf(wish, database!.Shown), e);
                        return;
                    case Reach.Database:
                        Answer(wish, database?.Shown);
                        events.TryWrite(new FleetEvent.Failed(TargetOf(wish, database!.Shown), e));
                        return;
                }

                if (isOver || !refused.Add(wish.Login))
                {
                    return;
                }

                doubted.Remove(wish.Login);
                isOver = reach == Reach.Server;
                events.TryWrite(new FleetEvent.Failed(
                    TargetOf(wish, [.. wish.Open]), WithOthers(e, wish.Open.Count - 1)));
            }

            if (reach == Reach.Server)
            {
                giveUp.Cancel();
            }
        }

        public async Task EndAsync()
        {
            await Task.WhenAll(running);
            foreach (var doubt in doubted.Values)
            {
                events.TryWrite(doubt);
            }
        }

        private static PerfMonitoringException WithOthers(PerfMonitoringException e, int others)
        {
            var untried = others == 1 ? "1 more database is"
                : string.Create(CultureInfo.InvariantCulture, $"{others} more databases are");
            return others < 1 ? e : new(
                e.ErrorId, e.Kind, $"{e.Message.TrimEnd('.')}. {untried} not connected.", e.Remedy, e.Subject, e.InnerException);
        }
    }
}

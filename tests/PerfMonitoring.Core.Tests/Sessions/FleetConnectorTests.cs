using System.Collections.Concurrent;
using System.Data.Common;
using System.Reflection;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Which attempts a fleet takes, what it tells, and how its sessions are called; against servers that are made up.
/// </summary>
public sealed class FleetConnectorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_dead_server_costs_one_attempt_and_one_error_and_the_others_go_on()
    {
        var backend = new Servers { ["dead"] = _ => Failure(ErrorIds.NoAnswer, FailureKind.ConnectionFailed) };

        var events = await RunAsync(backend, [Wish("dead", Names(40)), Wish("good", Names(40))]);

        var failed = Assert.Single(events.OfType<FleetEvent.Failed>());
        Assert.Equal(ErrorIds.NoAnswer, failed.Failure.ErrorId);
        Assert.Equal(("dead", 40), (failed.Target.HostName, failed.Target.Database.Count));
        Assert.Contains("39 more databases", failed.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, backend.Attempts["dead"]);
        Assert.Equal(40, events.OfType<FleetEvent.Connected>().Count());
        Assert.Equal(2, events.OfType<FleetEvent.Done>().Count());
    }

    [Fact]
    public async Task A_wrong_password_is_sent_once_and_a_database_that_is_closed_is_its_own_failure()
    {
        var backend = new Servers
        {
            ["password"] = _ => Failure(ErrorIds.AuthenticationFailed, FailureKind.PermissionDenied, "28P01"),
            ["role"] = _ => Failure(ErrorIds.AuthenticationFailed, FailureKind.PermissionDenied, "28000"),
            ["hba"] = d => d == "d1" ? Failure(ErrorIds.AuthenticationFailed, FailureKind.PermissionDenied, "28000") : null,
            ["missing"] = d => d == "d2" ? Failure(ErrorIds.DatabaseNotFound, FailureKind.NotFound) : null,
        };

        var events = await RunAsync(backend, [.. new[] { "password", "role", "hba", "missing" }.Select(h => Wish(h, Names(5)))]);

        Assert.Equal((1, 2, 5, 5), (
            backend.Attempts["password"], backend.Attempts["role"], backend.Attempts["hba"], backend.Attempts["missing"]));
        Assert.Equal(
            ["hba:5432/d1", "missing:5432/d2", "password:5432", "role:5432"],
            events.OfType<FleetEvent.Failed>().Select(f => $"{f.Target}").Order(StringComparer.Ordinal));
        Assert.Equal(8, events.OfType<FleetEvent.Connected>().Count());
    }

    [Fact]
    public async Task A_server_that_dies_in_the_midst_ends_the_attempts_on_it()
    {
        var backend = new Servers
        {
            ["dying"] = d => d == "d1" ? null : Failure(ErrorIds.ConnectionFailed, FailureKind.ConnectionFailed),
        };

        var events = await RunAsync(backend, [Wish("dying", Names(40))]);

        var failed = Assert.Single(events.OfType<FleetEvent.Failed>());
        Assert.Equal(39, failed.Target.Database.Count);
        Assert.DoesNotContain("d1", failed.Target.Database);
        Assert.Single(events.OfType<FleetEvent.Connected>());
    }

    [Fact]
    public async Task A_pattern_finds_databases_and_says_where_it_finds_none()
    {
        var backend = new Servers();

        var events = await RunAsync(backend, [Wish("one", "db_*", "crm"), Wish("two", "nothing*")]);

        Assert.Equal(
            ["one/crm", "one/db_1", "one/db_2"],
            events.OfType<FleetEvent.Connected>().Select(c => c.Name).Order(StringComparer.Ordinal));
        Assert.Contains("'nothing*'", Assert.Single(events.OfType<FleetEvent.Noted>()).Text, StringComparison.Ordinal);
        Assert.Empty(events.OfType<FleetEvent.Failed>());
    }

    public static TheoryData<string, string[]> Namings => new()
    {
        { "a:shop", ["shop"] },
        { "a:shop,crm", ["crm", "shop"] },
        { "a:shop b:shop", ["a/shop", "b/shop"] },
        { "a:shop b:crm", ["crm", "shop"] },
        { "a:shop,crm b:shop", ["a/shop", "b/shop", "crm"] },
        { "a@5433:shop a:shop", ["a:5432/shop", "a:5433/shop"] },
        { "prod=a:shop", ["prod"] },
        { "prod=a:shop,crm", ["prod/crm", "prod/shop"] },
        { "prod=a:db_1*", ["prod/db_1"] },
        { "a:we`*ird,we`?ird", ["we_ird", "we_ird-2"] },
        { "a:shop a:shop", ["shop"] },
        { "prod=a:db_* b:shop", ["prod/db_1", "prod/db_2", "shop"] },
    };

    [Theory]
    [MemberData(nameof(Namings))]
    public async Task Names_are_unique_and_follow_from_the_call(string call, string[] names)
    {
        var events = await RunAsync(new Servers(), [.. call.Split(' ').Select(Parse)]);

        Assert.Empty(events.OfType<FleetEvent.Failed>());
        Assert.Equal(names, events.OfType<FleetEvent.Connected>().Select(c => c.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_name_that_is_taken_is_an_error_without_an_attempt_and_force_takes_it()
    {
        var backend = new Servers();
        ConnectionRequest[] wishes = [Wish("a", "shop", "crm")];

        var refused = await RunAsync(backend, wishes, taken: ["SHOP"]);
        var forced = await RunAsync(new Servers(), wishes, taken: ["SHOP"], force: true);
        var single = await RunAsync(new Servers(), [Wish("a", "shop")], taken: ["shop"]);

        Assert.Equal(ErrorIds.SessionExists, Assert.Single(refused.OfType<FleetEvent.Failed>()).Failure.ErrorId);
        Assert.Equal(["crm"], refused.OfType<FleetEvent.Connected>().Select(c => c.Name));
        Assert.Equal(1, backend.Attempts["a"]);
        Assert.Equal(["crm", "shop"], forced.OfType<FleetEvent.Connected>().Select(c => c.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["shop-2"], single.OfType<FleetEvent.Connected>().Select(c => c.Name));
    }

    [Fact]
    public async Task A_store_that_is_down_is_asked_once_by_all_servers()
    {
        var backend = new Servers { StoreIsDown = true };
        var store = new ConnectionSettings { HostName = "admin" };

        var events = await RunAsync(
            backend, [.. new[] { "a", "b", "c" }.Select(h => Wish(h, Names(9)) with { Store = store })], throttle: 1);

        Assert.Equal(3, events.OfType<FleetEvent.Failed>().Count());
        Assert.Equal(1, backend.Attempts.Values.Sum());
    }

    [Fact]
    public async Task What_was_opened_and_not_taken_is_closed()
    {
        var backend = new Servers();
        var connector = new FleetConnector(backend, 2, [], force: false);
        connector.Add(Wish("a", Names(9)));
        await foreach (var happened in connector.RunAsync(Token))
        {
            if (happened is FleetEvent.Connected first)
            {
                connector.Take(first.Connection);
                break;
            }
        }

        await connector.DisposeAsync();

        Assert.Equal(backend.Opened.Count - 1, backend.Opened.Count(c => ((Connection)(object)c).IsClosed));
    }

    private static async Task<List<FleetEvent>> RunAsync(
        Servers backend, ConnectionRequest[] wishes, string[]? taken = null, bool force = false, int throttle = 4)
    {
        await using var connector = new FleetConnector(backend, throttle, taken ?? [], force);
        foreach (var wish in wishes)
        {
            connector.Add(wish);
        }

        var events = new List<FleetEvent>();
        await foreach (var happened in connector.RunAsync(Token))
        {
            events.Add(happened);
        }

        Assert.InRange(backend.MostAtOnce, 0, throttle);
        return events;
    }

    private static string[] Names(int count) => [.. Enumerable.Range(1, count).Select(i => $"d{i}")];

    private static ConnectionRequest Wish(string host, params string[] databases) =>
        new() { Settings = new ConnectionSettings { HostName = host }, Databases = databases };

    // name=host@port:database,database
    private static ConnectionRequest Parse(string text)
    {
        var (name, rest) = text.Split('=') is [var n, var r] ? (n, r) : (null, text);
        var (server, databases) = rest.Split(':') is [var s, var d] ? (s, d) : throw new ArgumentException(text);
        var (host, port) = server.Split('@') is [var h, var p] ? (h, (int?)int.Parse(p, null)) : (server, null);
        return Wish(host, databases.Split(',')) with
        {
            Name = name, Settings = new ConnectionSettings { HostName = host, Port = port },
        };
    }

    private static PerfMonitoringException Failure(string id, FailureKind kind, string? state = null) =>
        new(id, kind, "It failed.", "Mend it.", null, state is null ? null : new ServerError(state));

    private sealed class ServerError(string state) : DbException("refused")
    {
        public override string SqlState => state;
    }

    /// <summary>Servers by their hosts, each with a function that refuses a database or not.</summary>
    private sealed class Servers : ConcurrentDictionary<string, Func<string, PerfMonitoringException?>>, IMonitoringBackend
    {
        private int running;

        public ConcurrentDictionary<string, int> Attempts { get; } = new();

        public ConcurrentBag<IMonitoringConnection> Opened { get; } = [];

        public bool StoreIsDown { get; init; }

        public int MostAtOnce { get; private set; }

        public async Task<IMonitoringConnection> ConnectAsync(
            ConnectionSettings monitored, ConnectionSettings? store, string? actingUser, CancellationToken cancellationToken)
        {
            MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref running));
            try
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                Attempts.AddOrUpdate(monitored.HostName!, 1, (_, n) => n + 1);
                if (store is not null && StoreIsDown)
                {
                    throw Failure(ErrorIds.ConnectionFailed, FailureKind.ConnectionFailed).OfStore();
                }

                if (TryGetValue(monitored.HostName!, out var refuses) && refuses(monitored.Database!) is { } refused)
                {
                    throw refused;
                }

                var connection = DispatchProxy.Create<IMonitoringConnection, Connection>();
                Opened.Add(connection);
                return connection;
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }

        public ConnectionAddress Resolve(ConnectionSettings settings) => new()
        {
            Servers = $"{settings.HostName}:{settings.Port ?? 5432}",
            HostName = settings.HostName!,
            Port = settings.Port ?? 5432,
            Database = settings.Database ?? "postgres",
            UserName = "u",
        };

        public async Task<IReadOnlyList<string>> FindDatabasesAsync(
            ConnectionSettings server, IReadOnlyList<string> patterns, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return [.. new[] { "db_1", "db_2", "other" }.Where(d => patterns.Any(p => Wildcard.Matches(p, d)))];
        }

        public IReadOnlyList<string> GetServiceNames() => [];

        public IReadOnlyList<string> GetKnownHosts() => [];
    }

    /// <summary>A connection that can only be closed.</summary>
    public class Connection : DispatchProxy
    {
        public bool IsClosed { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod?.Name != "DisposeAsync")
            {
                throw new NotSupportedException(targetMethod?.Name);
            }

            IsClosed = true;
            return ValueTask.CompletedTask;
        }
    }
}

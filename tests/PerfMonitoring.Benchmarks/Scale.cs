using System.Globalization;
using static PerfMonitoring.Benchmarks.ScaleConstants;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// What a store of 10, 1,000 and 100,000 databases needs, from <see cref="ScaleConstants"/>: by arithmetic what a day costs and
/// at how many databases each limit is reached, and by a simulation how long a round of collections takes. It writes the tables
/// of docs/scale.md.
/// </summary>
internal static class Scale
{
    // Assumptions. The machines: a store's server and a machine that runs collecting processes.
    private const int StoreCores = 8;
    private const double StoreDiskBytes = 4e12;
    private const double StoreMemoryBytes = 64e9;
    private const double StoreWalBytesPerSecond = 50e6;
    private const double MostUtilisation = 0.6;
    private const int ClientCores = 4;
    private const int Throttle = 16;
    private const double NetworkMs = 1;

    // The statements that a collection sends one after another, counted in QueryPerformanceLogRepository.UpdateAsync.
    private const int RoundTrips = 17;

    // Servers that do not answer, and how long a connection to one takes to fail.
    private const double Down = 0.01;
    private const double ConnectTimeoutMs = 15_000;
    private const int RetentionDays = 30;

    // Limits of PostgreSQL with its defaults, and of what administrators put up with.
    private const double MaxConnections = 100 - 3;
    private const double LockSlots = 64 * 100;
    private const double VacuumNapMs = 60_000;
    private const double FreezeAge = 200e6;
    private const double DumpSeconds = 3600;
    private const double Relations = 1e6;
    private const double CitusWorkers = 8;

    private static readonly int[] Fleets = [10, 1_000, 100_000];

    // How often, and how many statements have run since the last time (of those that pg_stat_statements holds).
    private static readonly Cadence[] Cadences = [new("minute", 60, 50), new("hour", 3600, 200), new("day", 86_400, 500)];

    public static int Run()
    {
        Demand();
        Rounds();
        Limits("one server", 1, 1);
        Limits($"Citus, {CitusWorkers} workers", CitusWorkers, CitusStatementTimes);
        Designs();
        return 0;
    }

    private static void Demand()
    {
        Heading(
            "each", "databases", "rows a day", "GB a day", $"TB in {RetentionDays} days", "WAL MB/s", "CPU-h a day: collector",
            "store", "monitored, all", "transactions a day", "empty schemas, GB");
        foreach (var cadence in Cadences)
        {
            foreach (var fleet in Fleets)
            {
                var rounds = fleet * 86_400.0 / cadence.Seconds;
                var rows = rounds * cadence.Statements;
                Row(cadence.Name, N(fleet), N(rows), N(rows * RowBytes / 1e9), N(rows * RowBytes * RetentionDays / 1e12),
                    N(rows * RowWalBytes / 86_400 / 1e6), N(rounds * ClientCpuMs(cadence) / 3.6e6),
                    N(rounds * StoreCpuMs(cadence) / 3.6e6), N(rounds * MonitoredCpuMs(cadence) / 3.6e6),
                    N(rounds * RoundTransactions), N(fleet * SchemaBytes / 1e9));
            }
        }
    }

    private static void Rounds()
    {
        Heading(
            "each", "databases", "processes", "stores", "round, s", "round without a circuit breaker, s", "collector CPU",
            "store CPU", "connections to a store");
        foreach (var cadence in Cadences)
        {
            foreach (var fleet in Fleets)
            {
                // As few processes as do it, to a power of two.
                var (processes, stores) = (1, StoresFor(fleet, cadence));
                while (true)
                {
                    var round = Simulate(fleet, cadence, processes, stores, ofDown: 0);
                    if (round.Seconds <= cadence.Seconds * MostUtilisation)
                    {
                        var unbroken = Simulate(fleet, cadence, processes, stores, ConnectTimeoutMs);
                        Row(
                            cadence.Name, N(fleet), N(processes), N(stores), N(round.Seconds), N(unbroken.Seconds),
                            P(round.Client), P(round.Store), N(fleet * SessionStoreConnections / stores));
                        break;
                    }

                    processes *= 2;
                }
            }
        }
    }

    // The number of databases at which each limit of a store is reached, the lowest first.
    private static void Limits(string design, double workers, double latencies)
    {
        Console.WriteLine($"\n{design}:");
        Heading("limit", "is reached at databases, each minute", "each hour", "each day", "what then");
        var all = Cadences.Select(c => LimitsOf(c, workers, latencies)).ToArray();
        foreach (var i in Enumerable.Range(0, all[0].Count).OrderBy(i => all[0][i].Databases))
        {
            Row([all[0][i].Name, .. all.Select(l => N(l[i].Databases)), all[0][i].Remedy]);
        }
    }

    private static List<Limit> LimitsOf(Cadence cadence, double workers, double latencies)
    {
        const string server = "another store";
        var divided = workers > 1 ? "another worker" : "another store, Citus";
        var rounds = 86_400.0 / cadence.Seconds;
        var bytes = rounds * cadence.Statements * RowBytes;
        var roundMs = (WaitMs() * latencies) + ClientCpuMs(cadence) + StoreCpuMs(cadence);
        return
        [
            new("connections: max_connections = 100, one for each session", MaxConnections / SessionStoreConnections,
                "max_connections = 1000; one pool for all sessions of a store", false),
            new("memory: 16 pooled backends that serve all schemas take a tenth",
                StoreMemoryBytes / 10 / (Throttle * BackendSchemaBytes), "connections that are closed after some minutes", false),
            new("a transaction that drops them all: max_locks_per_transaction = 64", LockSlots / SchemaRelations,
                "one schema in a transaction", false),
            new("pg_dump of the whole store: max_locks_per_transaction = 64", LockSlots / SchemaTables,
                "max_locks_per_transaction = 1024; a dump of each schema", false),
            new($"one process: {Throttle} at a time, {ClientCores} cores",
                cadence.Seconds * 1000 * MostUtilisation / Math.Max(ClientCpuMs(cadence) / ClientCores, roundMs / Throttle),
                "another process with a part of the inventory", false),
            new("pg_dump --schema-only of the whole store: an hour", DumpSeconds / SchemaDumpSeconds, "a dump of each schema",
                false),
            new($"store CPU: {StoreCores} cores",
                workers * StoreCores * MostUtilisation * cadence.Seconds * 1000 / StoreCpuMs(cadence), divided, true),
            new($"disk: {StoreDiskBytes / 1e12:N0} TB, {RetentionDays} days",
                StoreDiskBytes / ((bytes * RetentionDays / workers) + SchemaBytes), $"fewer days, roll-ups; {divided}", true),
            new($"WAL: {StoreWalBytesPerSecond / 1e6:N0} MB/s",
                workers * StoreWalBytesPerSecond * cadence.Seconds / (cadence.Statements * RowWalBytes), divided, true),
            new("transactions: 200 million a day, every table is frozen daily",
                FreezeAge / (rounds * RoundTransactions), server, true),
            new($"catalog: {Relations / 1e6:N0} million relations", Relations / SchemaRelations, server, true),
            new("autovacuum: a look at all tables takes a worker its minute", VacuumNapMs / SchemaVacuumCpuMs,
                "a longer autovacuum_naptime; another store", true),
        ];
    }

    // How many stores of one server, and what a day costs, for each fleet.
    private static void Designs()
    {
        Heading(
            "each", "databases", "stores", "what decides", "CPU-h a day", "the same with a session for each collection",
            "GB a day", "connections, all", "upgrade of all schemas one after another, h", "the same on Citus, h");
        foreach (var cadence in Cadences)
        {
            foreach (var fleet in Fleets)
            {
                var rounds = fleet * 86_400.0 / cadence.Seconds;
                var decides = Hard(cadence).MinBy(l => l.Databases)!;
                Row(cadence.Name, N(fleet), N(StoresFor(fleet, cadence)), fleet <= decides.Databases ? "" : decides.Name,
                    N(rounds * (ClientCpuMs(cadence) + StoreCpuMs(cadence) + MonitoredCpuMs(cadence)) / 3.6e6),
                    N(rounds * (ClientCpuMs(cadence) + StoreCpuMs(cadence) + MonitoredCpuMs(cadence) + SessionClientCpuMs
                        + SessionStoreCpuMs) / 3.6e6),
                    N(rounds * cadence.Statements * RowBytes / 1e9),
                    N(fleet * (SessionStoreConnections + SessionMonitoredConnections)), N(fleet * SchemaSeconds / 3600),
                    N(fleet * SchemaSeconds * CitusDdlTimes / 3600));
            }
        }
    }

    private static int StoresFor(int fleet, Cadence cadence) =>
        (int)Math.Ceiling(fleet / Hard(cadence).Min(l => l.Databases));

    private static IEnumerable<Limit> Hard(Cadence cadence) => LimitsOf(cadence, 1, 1).Where(l => l.IsOfServer);

    // A round of collections: each process takes the next database when one of its slots is free. A database needs its process's
    // cores, waits for the network and its own server, and needs its store's cores; each has one queue.
    private static Round Simulate(int fleet, Cadence cadence, int processes, int stores, double ofDown)
    {
        var random = new Random(1);
        var events = new PriorityQueue<Action, double>();
        var now = 0.0;
        var clients = Enumerable.Range(0, processes).Select(_ => new Station(ClientCores)).ToArray();
        var servers = Enumerable.Range(0, stores).Select(_ => new Station(StoreCores)).ToArray();
        var next = 0;
        void Take(int process)
        {
            if (next >= fleet)
            {
                return;
            }

            var database = next++;
            if (random.NextDouble() < Down)
            {
                events.Enqueue(() => Take(process), now + ofDown);
                return;
            }

            // Half of the work of the process comes before the store's, half after it.
            var client = Draw(ClientCpuMs(cadence)) / 2;
            Work(clients[process], client, () => events.Enqueue(
                () => Work(servers[database % stores], Draw(StoreCpuMs(cadence)),
                    () => Work(clients[process], client, () => Take(process))),
                now + Draw(WaitMs() + MonitoredCpuMs(cadence))));
        }

        void Work(Station station, double ms, Action then)
        {
            void Begin()
            {
                station.Free--;
                station.Busy += ms;
                events.Enqueue(
                    () =>
                    {
                        station.Free++;
                        if (station.Waiting.TryDequeue(out var other))
                        {
                            other();
                        }

                        then();
                    },
                    now + ms);
            }

            if (station.Free > 0)
            {
                Begin();
            }
            else
            {
                station.Waiting.Enqueue(Begin);
            }
        }

        // Times are log-normal around their mean.
        double Draw(double mean)
        {
            const double spread = 0.5;
            var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            return mean * Math.Exp((spread * normal) - (spread * spread / 2));
        }

        for (var process = 0; process < processes; process++)
        {
            for (var slot = 0; slot < Throttle; slot++)
            {
                Take(process);
            }
        }

        while (events.TryDequeue(out var happen, out var at))
        {
            now = at;
            happen();
        }

        return new Round(
            now / 1000, clients.Sum(c => c.Busy) / (now * ClientCores * processes),
            servers.Sum(s => s.Busy) / (now * StoreCores * stores));
    }

    private static double ClientCpuMs(Cadence c) => ClientRoundCpuMs + (c.Statements * ClientRowCpuMs);

    private static double StoreCpuMs(Cadence c) => StoreRoundCpuMs + (c.Statements * StoreRowCpuMs);

    private static double MonitoredCpuMs(Cadence c) => MonitoredRoundCpuMs + (c.Statements * MonitoredRowCpuMs);

    private static double WaitMs() => RoundTrips * NetworkMs;

    private static void Heading(params string[] cells)
    {
        Console.WriteLine();
        Row(cells);
        Row([.. cells.Select((c, i) => i == 0 || c.StartsWith("what", StringComparison.Ordinal) ? "---" : "---:")]);
    }

    private static void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    // Three digits that count; millions and more as words.
    private static string N(double value)
    {
        var (scaled, unit) = value switch { >= 1e9 => (value / 1e9, " G"), >= 1e6 => (value / 1e6, " M"), _ => (value, "") };
        var digits = scaled >= 100 || scaled == Math.Floor(scaled) ? 0 : scaled >= 10 ? 1 : scaled >= 0.1 ? 2 : 4;
        return scaled.ToString("N" + digits, CultureInfo.InvariantCulture) + unit;
    }

    private static string P(double share) => share.ToString("0 %", CultureInfo.InvariantCulture);

    // IsOfServer: neither a setting nor another process helps, but another server.
    private sealed record Limit(string Name, double Databases, string Remedy, bool IsOfServer);

    private sealed record Cadence(string Name, int Seconds, int Statements);

    private sealed record Round(double Seconds, double Client, double Store);

    private sealed class Station(int cores)
    {
        public int Free { get; set; } = cores;
        public double Busy { get; set; }
        public Queue<Action> Waiting { get; } = new();
    }
}

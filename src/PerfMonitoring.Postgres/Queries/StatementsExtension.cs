using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Queries;

namespace PerfMonitoring.Postgres.Queries;

/// <summary>
/// pg_stat_statements as one database has it. What it has depends on the extension's version, which may lag behind the server's:
/// a file is chosen by the first server version that brought the extension's.
/// </summary>
internal sealed class StatementsExtension(Database target)
{
    private const string Name = "pg_stat_statements";

    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld.</exception>
    public async Task<State> GetAsync(CancellationToken cancellationToken)
    {
        var state = await target.QuerySingleOrDefaultAsync<State>(
            Sql.Get(typeof(StatementsExtension), "GetStatementsExtension", target.Target.ServerVersionNumber), null,
            cancellationToken);
        return state switch
        {
            { IsLoaded: false } => throw NotLoaded(),
            null => throw new PerfMonitoringException(
                ErrorIds.ExtensionMissing, FailureKind.NotInstalled, $"{target.Target} has no extension {Name}.",
                $"Run in database {target.Target.Database}: CREATE EXTENSION {Name}; (the server must load it: "
                    + $"shared_preload_libraries.)", Name),
            { SqlVersion: null } => throw new PerfMonitoringException(
                ErrorIds.ExtensionTooOld, FailureKind.NotSupported,
                $"{target.Target} has {Name} {state.Version}; PerfMonitoring needs 1.8 or later.",
                $"Run in database {target.Target.Database}: ALTER EXTENSION {Name} UPDATE;", Name),
            _ => state,
        };
    }

    /// <summary>The moment, and since when the counters count.</summary>
    public async Task<StatementsState> GetStateAsync(State state, CancellationToken cancellationToken) =>
        await target.QuerySingleOrDefaultAsync<StatementsState>(Statement(state, "GetStatisticsState"), null, cancellationToken)
            ?? new StatementsState();

    /// <summary>A file beside this class, for that version of the extension and in its schema.</summary>
    public static string Statement(State state, string file) =>
        Sql.Get(typeof(StatementsExtension), file, state.SqlVersion!.Value)
        .Replace("public.pg_stat_statements", Identifier.Quote(state.Schema) + "." + Name, StringComparison.Ordinal);

    private PerfMonitoringException NotLoaded() => new(
        ErrorIds.ExtensionNotLoaded, FailureKind.NotInstalled,
        $"{target.Target} has extension {Name}, but the server does not load it.",
        $"Add {Name} to what shared_preload_libraries holds (ALTER SYSTEM SET shared_preload_libraries = '{Name}';) and "
            + $"restart the server.", Name);

    internal sealed class State
    {
        public string Version { get; init; } = "";
        public string Schema { get; init; } = "";
        public bool IsLoaded { get; init; }
        public bool ReadsAll { get; init; }

        /// <summary>Which of the files fits; null when the extension is too old.</summary>
        public int? SqlVersion => System.Version.TryParse(Version, out var version)
            ? version switch
            {
                { Major: 1, Minor: < 8 } or { Major: 0 } => null,
                { Major: 1, Minor: 8 } => 130000,
                // It has pg_stat_statements_info.
                _ => 140000,
            }
            : null;
    }
}

using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Statements;

/// <summary>pg_stat_statements in one database. Its version may be older than the server's.</summary>
internal sealed class StatementsExtension(Database target)
{
    private const string Name = "pg_stat_statements";

    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld.</exception>
    public async Task<State> GetAsync(CancellationToken cancellationToken)
    {
        var state = await target.QuerySingleOrDefaultAsync<State>(
            Sql.Get("GetStatementsExtension"), null,
            cancellationToken);
        return state switch
        {
            { IsLoaded: false } => throw NotLoaded(),
            null => throw new PerfMonitoringException(
                ErrorIds.ExtensionMissing, FailureKind.NotInstalled, $"{target.Target} has no extension {Name}.",
                $"Run in database {target.Target.Database}: CREATE EXTENSION {Name}; (the server must load it: "
                    + $"shared_preload_libraries.)", Name),
            { IsTooOld: true } => throw new PerfMonitoringException(
                ErrorIds.ExtensionTooOld, FailureKind.NotSupported,
                $"{target.Target} has {Name} {state.Version}; PerfMonitoring needs 1.8 or later.",
                $"Run in database {target.Target.Database}: ALTER EXTENSION {Name} UPDATE;", Name),
            _ => state,
        };
    }

    /// <summary>The current time, and the start time of the counters.</summary>
    public async Task<StatementsState> GetStateAsync(State state, CancellationToken cancellationToken) =>
        await target.QuerySingleOrDefaultAsync<StatementsState>(
            Statement(state, state.HasInfo ? "GetStatementsState" : "GetStatementsStateBefore19"), null, cancellationToken)
            ?? new StatementsState();

    /// <summary>The statement of a file, adapted to the schema of the extension.</summary>
    public static string Statement(State state, string file) => Sql.Get(file).Replace(
        "public.pg_stat_statements", Identifier.Quote(state.Schema) + "." + Name, StringComparison.Ordinal);

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

        /// <summary>Whether the version is older than 1.8 or unreadable.</summary>
        public bool IsTooOld => Number is null || Number < new Version(1, 8);

        /// <summary>Whether the extension has pg_stat_statements_info.</summary>
        public bool HasInfo => Number >= new Version(1, 9);

        private Version? Number => System.Version.TryParse(Version, out var number) ? number : null;
    }
}

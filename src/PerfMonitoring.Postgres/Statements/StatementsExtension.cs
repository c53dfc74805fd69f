using System.Data.Common;
using System.Runtime.CompilerServices;
using Npgsql;
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

    /// <summary>
    /// Streams the statements of the databases and users of a filter, without those of the module and utility statements. The
    /// other limits of the filter are for whole queries (<see cref="QueryMerge"/>).
    /// </summary>
    /// <param name="state">The extension.</param>
    /// <param name="filter">Databases, users and texts.</param>
    /// <param name="roles">The roles of <see cref="GetSeparateRolesAsync"/> whose statements are read; null for all.</param>
    /// <param name="withTexts">Whether the texts are read; without it they are empty.</param>
    /// <param name="map">Reads the current row.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StatementsUnreadable.</exception>
    public async IAsyncEnumerable<T> ReadAsync<T>(
        State state, SlowQueryFilter filter, string[]? roles, bool withTexts, Func<DbDataReader, T> map,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new
        {
            WithText = withTexts,
            Roles = roles,
            Databases = QueryRepository.Regexes(filter.Databases),
            Users = QueryRepository.Regexes(filter.Users),
            Like = QueryRepository.TextRegexes(filter.Like),
            ExcludeLike = QueryRepository.TextRegexes(filter.ExcludeLike),
        };
        await using var rows = target.StreamAsync(Statement(state, "GetStatements"), parameters, map, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        while (await ReadAsync(state, () => rows.MoveNextAsync().AsTask(), cancellationToken))
        {
            yield return rows.Current;
        }
    }

    /// <summary>Runs a statement that reads texts.</summary>
    /// <remarks>
    /// The server keeps the texts of all databases in one file, each in the encoding of its database. It converts those of every
    /// row before a condition can leave rows out, and one that it cannot convert ends the whole statement.
    /// </remarks>
    /// <exception cref="PerfMonitoringException">StatementsUnreadable.</exception>
    public async Task<T> ReadAsync<T>(State state, Func<Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            return await read();
        }
        catch (PerfMonitoringException e) when (e.InnerException is PostgresException {
            SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter
                or PostgresErrorCodes.UndefinedFunction })
        {
            var isInvalid = ((PostgresException)e.InnerException).SqlState == PostgresErrorCodes.CharacterNotInRepertoire;
            var others = await target.QueryAsync<OtherDatabase>(
                Statement(state, "GetOtherEncodings"), null, cancellationToken);
            // Only SQL_ASCII accepts what is invalid. What it accepts is never converted.
            var suspects = others.Where(o => o.Encoding is null || (o.Encoding == "SQL_ASCII") == isInvalid).ToList();
            if (suspects.Count == 0)
            {
                throw;
            }

            throw new PerfMonitoringException(
                ErrorIds.StatementsUnreadable, FailureKind.ServerError,
                $"{target.Target} cannot read the texts of {Name}: a statement of "
                    + $"{string.Join(" or ", suspects.Select(s => s.ToString()))} has characters that the encoding of database "
                    + $"{target.Target.Database} lacks, and the server converts the texts of all databases at once.",
                $"Run {string.Join(" ", suspects.Select(s => s.Reset(Identifier.Quote(state.Schema))))} The server then forgets "
                    + "the counters of that database only.",
                Name, e.InnerException);
        }
    }

    /// <summary>
    /// The roles whose statements can be read where <see cref="ReadAsync{T}(State, Func{Task{T}}, CancellationToken)"/> fails,
    /// and the number of statements of other roles.
    /// </summary>
    public async Task<(string[] Roles, long Unread)> GetSeparateRolesAsync(
        State state, SlowQueryFilter filter, CancellationToken cancellationToken)
    {
        var found = await target.QuerySingleOrDefaultAsync<SeparateRoles>(
            Statement(state, "GetSeparateRoles"),
            new { Databases = QueryRepository.Regexes(filter.Databases), Users = QueryRepository.Regexes(filter.Users) },
            cancellationToken);
        return (found!.Roles, found.Unread);
    }

    /// <summary>The statement of a file, adapted to the schema of the extension.</summary>
    public static string Statement(State state, string file) => Sql.Get(file).Replace(
        "public.pg_stat_statements", Identifier.Quote(state.Schema) + "." + Name, StringComparison.Ordinal);

    private PerfMonitoringException NotLoaded() => new(
        ErrorIds.ExtensionNotLoaded, FailureKind.NotInstalled,
        $"{target.Target} has extension {Name}, but the server does not load it.",
        $"Add {Name} to what shared_preload_libraries holds (ALTER SYSTEM SET shared_preload_libraries = '{Name}';) and "
            + $"restart the server.", Name);

    private sealed class SeparateRoles
    {
        public string[] Roles { get; init; } = [];
        public long Unread { get; init; }
    }

    private sealed class OtherDatabase
    {
        public uint Oid { get; init; }
        public string? Name { get; init; }
        public string? Encoding { get; init; }

        public string Reset(string schema) => $"select {schema}.pg_stat_statements_reset(0, {Oid}, 0);";

        public override string ToString() =>
            Name is null ? $"a dropped database (OID {Oid})" : $"database {Name} ({Encoding}, OID {Oid})";
    }

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

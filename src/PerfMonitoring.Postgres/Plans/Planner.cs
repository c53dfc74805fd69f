using System.Data;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>A request for a plan.</summary>
/// <param name="Text">The statement, with <paramref name="Parameters"/> parameters.</param>
/// <param name="Parameters">The number of parameters without a value.</param>
/// <param name="Statement">The roles that ran the statement, and the values of its parameters.</param>
/// <param name="IsVerbose">Whether the plan contains schemas and output columns.</param>
/// <param name="Limit">The longest time that planning may take.</param>
internal sealed record PlanQuestion(string Text, int Parameters, PlanText Statement, bool IsVerbose, TimeSpan Limit);

/// <summary>The commands of a request, for a transaction that is rolled back.</summary>
/// <param name="Commands">The commands in order; the last result that is a text is the plan.</param>
/// <param name="Look">The command that fails if planning would run code that must not run; null if there is no such
/// check.</param>
internal sealed record PlanCommands(IReadOnlyList<NpgsqlBatchCommand> Commands, NpgsqlBatchCommand? Look);

/// <summary>
/// Requests plans with the rights and the search path of the role that ran the statement. Each text is one command of the
/// extended protocol, so it cannot be two statements. A check of the code that planning may run comes right before it.
/// </summary>
/// <remarks> The planner calls functions to fold constants and to estimate. Parsing calls domain checks to read constants. A
/// function can reset the role that was set, so the check of the code is the protection; the role only provides rights and
/// policies. An instance serves one session or one request, and is not thread-safe.
/// </remarks>
internal sealed class Planner(Database target)
{
    private const string Prepared = "perf_monitoring_plan";

    // Code that appears during the check is checked again.
    private const int MaximumLooks = 5;

    private readonly Dictionary<string, PlanningRole> roles = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Text, PlanningRole Role), ReachedCode> looks = [];
    private uint[]? trusted;
    private bool hasStrangers;

    /// <summary>Returns the plan as the server writes it.</summary>
    /// <param name="question">The request.</param>
    /// <param name="run">Runs the commands in a transaction and returns the plan; it may be called again.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">UntrustedCode: planning would run code of a less trusted role.</exception>
    public async Task<string?> PlanAsync(
        PlanQuestion question, Func<PlanCommands, Task<string?>> run, CancellationToken cancellationToken)
    {
        var role = await GetRoleAsync(question.Statement.Origin.Roles, cancellationToken);
        var plan = await PlanAsync(prunes: true);
        // Without GENERIC_PLAN, the nulls that stand for the parameters remove partitions from the plan.
        return question.Parameters > 0 && !HasGenericPlan
            && plan?.Contains("\"Subplans Removed\"", StringComparison.Ordinal) == true
            ? await PlanAsync(prunes: false)
            : plan;

        async Task<string?> PlanAsync(bool prunes)
        {
            for (var look = 1; ; look++)
            {
                var commands = await CommandsAsync(question, role, prunes, cancellationToken);
                try
                {
                    return await run(commands);
                }
                catch (PostgresException e) when (
                    e.SqlState == PostgresErrorCodes.DivisionByZero && commands.Look is not null
                        && ReferenceEquals(e.BatchCommand, commands.Look) && look < MaximumLooks)
                {
                    looks.Remove((question.Text, role));
                    trusted = null;
                }
            }
        }
    }

    /// <summary>
    /// Drops a statement that a failed request may have prepared. Its transaction, or the savepoint before it, was already rolled
    /// back.
    /// </summary>
    public static async Task ForgetAsync(NpgsqlConnection connection)
    {
        await using var look = new NpgsqlCommand(
            $"select {Sql.Marker} 1 from pg_catalog.pg_prepared_statements s where s.name = '{Prepared}'", connection);
        if (await look.ExecuteScalarAsync(CancellationToken.None) is not null)
        {
            await using var forget = new NpgsqlCommand($"deallocate {Prepared}", connection);
            await forget.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    /// <summary>Reads the plan: the last text among the remaining results.</summary>
    public static async Task<string?> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        string? plan = null;
        do
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                plan = reader.GetValue(0) as string ?? plan;
            }
        }
        while (await reader.NextResultAsync(cancellationToken));

        return plan;
    }

    private bool HasGenericPlan => target.Target.MajorVersion >= 16;

    private async Task<PlanCommands> CommandsAsync(
        PlanQuestion question, PlanningRole role, bool prunes, CancellationToken cancellationToken)
    {
        var commands = new List<NpgsqlBatchCommand>();
        NpgsqlBatchCommand? look = null;
        if (!question.Statement.Origin.MayRunAnyCode)
        {
            if (trusted is null)
            {
                var owners = await target.QueryAsync<CodeOwner>(Sql.Get("GetCodeOwners"), null, cancellationToken);
                trusted = [.. owners.Where(o => o.IsTrusted).Select(o => o.Oid)];
                hasStrangers = owners.Any(o => !o.IsTrusted);
            }

            if (hasStrangers)
            {
                var code = await LookAsync(question, role, cancellationToken);
                commands.Add(SetPlanning(question, role, prunes));
                commands.Add(new NpgsqlBatchCommand(Sql.Get("SetSchemas")));
                look = code.Command(Sql.Get("FindReachedCode"), trusted, raises: true);
            }
            else
            {
                look = new NpgsqlBatchCommand(Sql.Get("FindStrangers")) { Parameters = { Oids("Trusted", trusted) } };
            }

            commands.Add(look);
        }

        commands.Add(SetPlanning(question, role, prunes));
        var options = $"format json, verbose {(question.IsVerbose ? "on" : "off")}";
        if (question.Parameters == 0)
        {
            // Arguments are sent as parameters of the protocol: the server infers their types from the statement and plans for
            // their values.
            var explain = new NpgsqlBatchCommand($"explain ({options}) {question.Text}");
            foreach (var argument in question.Statement.Arguments ?? [])
            {
                explain.Parameters.Add(
                    new NpgsqlParameter { Value = (object?)argument ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Unknown });
            }

            commands.Add(explain);
        }
        else
        {
            // Prepared each time, because a cached plan does not notice that hypothetical indexes come and go.
            var nulls = string.Join(',', Enumerable.Repeat("null", question.Parameters));
            commands.Add(new NpgsqlBatchCommand($"prepare {Prepared} as {question.Text}"));
            commands.Add(
                new NpgsqlBatchCommand(
                    $"explain ({options}{(HasGenericPlan ? ", generic_plan" : "")}) execute {Prepared}({nulls})"));
            commands.Add(new NpgsqlBatchCommand($"deallocate {Prepared}"));
        }

        return new PlanCommands(commands, look);
    }

    private NpgsqlBatchCommand SetPlanning(PlanQuestion question, PlanningRole role, bool prunes) => new(Sql.Get("SetPlanning"))
    {
        Parameters =
        {
            new NpgsqlParameter("Milliseconds", (long)question.Limit.TotalMilliseconds),
            new NpgsqlParameter("Prunes", prunes),
            new NpgsqlParameter("Role", NpgsqlDbType.Text) { Value = (object?)role.Role ?? DBNull.Value },
            new NpgsqlParameter("SearchPath", role.SearchPath ?? target.UserSearchPath),
        },
    };

    // The first role that ran the statement and that the session may become; otherwise the session's own role.
    private async Task<PlanningRole> GetRoleAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var key = string.Join('\0', names);
        if (!roles.TryGetValue(key, out var role))
        {
            role = names.Count == 0 ? null : await target.QuerySingleOrDefaultAsync<PlanningRole>(
                Sql.Get("GetPlanningRole"), new { Roles = names.ToArray() }, cancellationToken);
            roles[key] = role ??= new PlanningRole();
        }

        return role;
    }

    // Also reads the texts of trusted functions, because a function looks up the names that it calls only when it runs.
    private async Task<ReachedCode> LookAsync(PlanQuestion question, PlanningRole role, CancellationToken cancellationToken)
    {
        if (looks.TryGetValue((question.Text, role), out var known))
        {
            return known;
        }

        if (SqlWords.HasEscapedName(question.Text))
        {
            throw Untrusted("what it names with escapes (U&\"...\")");
        }

        var code = new ReachedCode(question.Text, SqlWords.Of(question.Text), new HashSet<string>());
        while (true)
        {
            if (code.Words.Count > SqlWords.Maximum)
            {
                throw Untrusted("one of its many names");
            }

            var found = await FindAsync(code);
            if (found.Find(f => !f.IsTrusted) is { } stranger)
            {
                throw Untrusted(stranger.Version.Length == 0
                    ? $"{stranger.Name}, which reads or runs what a text names"
                    : $"{stranger.Name} of {stranger.Owner}, who has not all rights of {target.UserName}");
            }

            var next = code.With(found);
            if (next.Versions.Count == code.Versions.Count)
            {
                return looks[(question.Text, role)] = code;
            }

            code = next;
        }

        Task<List<CodeRow>> FindAsync(ReachedCode code) => target.InTransactionAsync(
            async (connection, transaction) =>
            {
                await using var batch = new NpgsqlBatch(connection, transaction);
                batch.BatchCommands.Add(SetPlanning(question, role, prunes: true));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("SetSchemas")));
                batch.BatchCommands.Add(code.Command(Sql.Get("FindReachedCode"), trusted!, raises: false));
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                await reader.NextResultAsync(cancellationToken);
                var rows = new List<CodeRow>();
                while (await reader.ReadAsync(cancellationToken))
                {
                    rows.Add(new CodeRow(
                        reader.GetString("name"), reader.GetValue("owner") as string ?? "", reader.GetBoolean("is_trusted"),
                        reader.GetString("body"), reader.GetString("version")));
                }

                return rows;
            },
            cancellationToken);
    }

    private PerfMonitoringException Untrusted(string what) => new(
        ErrorIds.UntrustedCode, FailureKind.PermissionDenied,
        $"planning it may run {what}.",
        "Connect with a login that has no more rights than the owner of that code, or give the code to a superuser who has "
            + "read it.",
        target.Target);


    private static NpgsqlParameter Oids(string name, uint[] oids) =>
        new(name, NpgsqlDbType.Array | NpgsqlDbType.Oid) { Value = oids };

    /// <summary>The role that plans; nulls for the session's own role and path.</summary>
    private sealed record PlanningRole
    {
        public string? Role { get; init; }
        public string? SearchPath { get; init; }
    }

    private sealed class CodeOwner
    {
        public uint Oid { get; init; }
        public bool IsTrusted { get; init; }
    }

    private sealed record CodeRow(string Name, string Owner, bool IsTrusted, string Body, string Version);

    /// <summary>The code that planning a text may run, as far as it was checked.</summary>
    private sealed record ReachedCode(string Text, IReadOnlySet<string> Words, IReadOnlySet<string> Versions)
    {
        public ReachedCode With(IReadOnlyList<CodeRow> rows)
        {
            var unseen = rows.Where(r => !Versions.Contains(r.Version)).ToList();
            var bodies = string.Join(' ', unseen.Select(r => r.Body));
            return new ReachedCode(
                string.Create(CultureInfo.InvariantCulture, $"{Text} {bodies}"),
                Words.Concat(SqlWords.Of(bodies)).ToHashSet(StringComparer.Ordinal),
                Versions.Concat(unseen.Select(r => r.Version)).ToHashSet(StringComparer.Ordinal));
        }

        public NpgsqlBatchCommand Command(string sql, uint[] trusted, bool raises) => new(sql)
        {
            Parameters =
            {
                new NpgsqlParameter("Words", Words.ToArray()),
                new NpgsqlParameter("Text", Text),
                new NpgsqlParameter("Writes", SqlWords.MayWrite(Words)),
                Oids("Trusted", trusted),
                new NpgsqlParameter("Known", Versions.ToArray()),
                new NpgsqlParameter("Raises", raises),
            },
        };
    }
}

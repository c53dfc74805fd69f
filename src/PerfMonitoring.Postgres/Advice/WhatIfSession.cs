using System.Data;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>A pinned connection that requests plans. Derived classes create the indexes.</summary>
internal abstract class WhatIfSession(Database target, NpgsqlConnection connection, TimeSpan statementTimeout) : IWhatIf
{
    private readonly StatementRepair repair = new(target);
    private readonly Planner planner = new(target);

    public abstract bool IsReal { get; }

    protected Database Target => target;

    protected NpgsqlConnection Connection => connection;

    /// <summary>Candidates that the server refuses to create, with its reason.</summary>
    protected Dictionary<int, string> Refused { get; } = [];

    public async Task<WhatIfPlan> ExplainAsync(WhatIfRequest request, CancellationToken cancellationToken)
    {
        try
        {
            // A text with arguments was planned before, and another number of parameters would not fit them.
            var answer = request.Statement.Arguments is null
                ? await repair.PlanAsync(
                    request.Statement.Text, t => ExplainAsync(request, t, cancellationToken), cancellationToken)
                : new RepairedPlan<string>(
                    request.Statement.Text, await ExplainAsync(request, request.Statement.Text, cancellationToken));
            var refused = request.Indexes.Select(c => c.Id).Distinct().Where(Refused.ContainsKey)
                .ToDictionary(id => id, id => Refused[id]);
            return Read(Parse(answer.Plan), request, refused) with { Text = answer.Text };
        }
        catch (PostgresException e) when (PlanRepository.IsRefusal(e, cancellationToken))
        {
            throw PlanRepository.NotPlanned(e, target.Target);
        }
        catch (Exception e) when (Failures.TryTranslate(e, target.Target.ToString(), cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    public abstract ValueTask DisposeAsync();

    /// <summary>Prepares a new connection.</summary>
    protected abstract Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes exactly the requested indexes available and explains, in one round trip and one transaction that is rolled back.
    /// Returns null if a candidate was created only in part.
    /// </summary>
    protected abstract Task<string?> AskAsync(WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken);

    /// <summary>Ends the transaction of a failed request, as far as it belongs to that request alone.</summary>
    protected virtual Task EndAsync() => RunAsync(["rollback"], CancellationToken.None);

    /// <summary>Ends all that is open, because no more requests follow.</summary>
    protected virtual Task GiveUpAsync() => Task.CompletedTask;

    protected abstract WhatIfPlan Read(PlanNode plan, WhatIfRequest request, IReadOnlyDictionary<int, string> refused);

    /// <summary>
    /// Reads the next rows, which report the creation of a candidate: numbers after a success, otherwise the refusal, which is
    /// recorded.
    /// </summary>
    /// <exception cref="PerfMonitoringException">IndexNotCreated: the cause is not the index.</exception>
    protected async Task<List<long[]>> ReadCreatedAsync(
        NpgsqlDataReader reader, Candidate candidate, int rows, CancellationToken cancellationToken)
    {
        var made = new List<long[]>();
        for (var i = 0; i < rows; i++)
        {
            await reader.ReadAsync(cancellationToken);
            var result = reader.GetString(0);
            if (Refusal.TryRead(result) is not { } refusal)
            {
                made.Add(
                    Array.ConvertAll(
                        result.Split(':'), number => long.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture)));
            }
            else if (refusal.IsAboutTheIndex)
            {
                Refused[candidate.Id] = refusal.Reason(candidate.Definition);
            }
            else
            {
                throw new PerfMonitoringException(
                    ErrorIds.IndexNotTried, FailureKind.Busy,
                    $"{target.Target} could not try an index on {candidate.Definition.Table}: "
                        + $"{refusal.Reason(candidate.Definition)}.",
                    "Try again when the server is less busy.", target.Target);
            }
        }

        return made;
    }


    protected Task<bool> RunAsync(IEnumerable<string> statements, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in statements)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            return true;
        },
        cancellationToken);

    private async Task<string> ExplainAsync(WhatIfRequest request, string text, CancellationToken cancellationToken)
    {
        var parameters = request.Statement.Arguments is null ? PlannableText.CountParameters(text) : 0;
        var question = new PlanQuestion(text, parameters, request.Statement, request.Verbose, statementTimeout);
        string? json;
        try
        {
            do
            {
                // A candidate that was created only in part is dropped, and then the plan does not belong to the request.
                json = await planner.PlanAsync(
                    question, commands => AskOpenAsync(request, commands, cancellationToken), cancellationToken);
            }
            while (json is null);
        }
        catch (OperationCanceledException)
        {
            await GiveUpAsync();
            throw;
        }

        return json;
    }

    private async Task<string?> AskOpenAsync(WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken)
    {
        // After an internal error of the server (XX000) Npgsql closes the connection. The run must survive this.
        if (connection.FullState != ConnectionState.Open)
        {
            await connection.CloseAsync();
            await connection.OpenAsync(cancellationToken);
            await PrepareAsync(cancellationToken);
        }

        try
        {
            return await AskAsync(request, commands, cancellationToken);
        }
        catch (Exception) when (connection.FullState == ConnectionState.Open)
        {
            await EndAsync();
            await Planner.ForgetAsync(connection);
            throw;
        }
    }

    private PlanNode Parse(string json)
    {
        try
        {
            return PlanNode.Parse(json);
        }
        catch (JsonException e)
        {
            // A rule can turn an INSERT, UPDATE or DELETE into a utility statement.
            throw new PerfMonitoringException(
                ErrorIds.NotPlannable, FailureKind.InvalidArgument,
                "The statement has no plan: the server makes a utility statement of it.", null, target.Target, e);
        }
    }
}

/// <summary>The server's refusal of an index.</summary>
internal sealed record Refusal(string SqlState, string Text)
{
    /// <summary>The SQLSTATE of BuildIndexes.sql: the planner may not use the index in the transaction that created it.</summary>
    private const string NotYetUsable = "PM001";

    /// <summary>
    /// Whether the cause is the index, and not a timeout, a lock, a lack of memory or disk, or a server that shuts down.
    /// </summary>
    public bool IsAboutTheIndex => SqlState[..2] is not ("08" or "40" or "53" or "55" or "57" or "58");

    /// <summary>The reason without constants, for a report.</summary>
    public string Reason(IndexDefinition definition) =>
        $"{(SqlState == NotYetUsable ? Text : ServerText.WithoutValues(SqlState, Text, definition.ToAnonymousStatement()))} "
            + $"(SQLSTATE {SqlState})";

    /// <summary>Returns null for the numbers of a created index.</summary>
    public static Refusal? TryRead(string result) =>
        result.IndexOf(' ', StringComparison.Ordinal) is > 0 and var at ? new Refusal(result[..at], result[(at + 1)..]) : null;
}

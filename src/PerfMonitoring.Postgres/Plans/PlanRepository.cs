using System.Runtime.ExceptionServices;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>Requests generic plans with short limits, in a read-only transaction that is rolled back.</summary>
internal sealed class PlanRepository(Database target) : IPlanRepository
{
    private const string Savepoint = "perf_monitoring";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly StatementRepair repair = new(target);

    public Task<string> ExplainAsync(PlanText statement, CancellationToken cancellationToken)
    {
        var planner = new Planner(target);
        return target.RunAsync(
            async () => (await repair.PlanAsync(statement.Text, ExplainAsync, cancellationToken)).Plan, cancellationToken);

        async Task<string> ExplainAsync(string attempt)
        {
            var question = new PlanQuestion(attempt, PlannableText.CountParameters(attempt), statement, true, Limit);
            return (await planner.PlanAsync(question, commands => RunAsync(commands, cancellationToken), cancellationToken))!;
        }
    }

    // The caller gets the server's own error, because StatementRepair reads it.
    private async Task<string?> RunAsync(PlanCommands commands, CancellationToken cancellationToken)
    {
        var (plan, refusal) = await target.InTransactionAsync<(string?, PostgresException?)>(
            async (connection, transaction) =>
            {
                await using var batch = new NpgsqlBatch(connection, transaction);
                batch.BatchCommands.Add(new NpgsqlBatchCommand($"savepoint {Savepoint}"));
                foreach (var command in commands.Commands)
                {
                    batch.BatchCommands.Add(command);
                }

                try
                {
                    await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                    return (await Planner.ReadAsync(reader, cancellationToken), null);
                }
                catch (PostgresException e)
                    when (!cancellationToken.IsCancellationRequested && connection.FullState == System.Data.ConnectionState.Open)
                {
                    return (null, e);
                }
                finally
                {
                    if (connection.FullState == System.Data.ConnectionState.Open)
                    {
                        // This also reverts settings that code set during planning.
                        await using var back = new NpgsqlCommand($"rollback to savepoint {Savepoint}", connection, transaction);
                        await back.ExecuteNonQueryAsync(CancellationToken.None);
                        await Planner.ForgetAsync(connection);
                    }
                }
            },
            cancellationToken);
        if (refusal is not null)
        {
            ExceptionDispatchInfo.Throw(refusal);
        }

        return plan;
    }

    internal static PerfMonitoringException NotPlannable() => new(
        ErrorIds.NotPlannable, FailureKind.InvalidArgument,
        "The text is not one SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES statement.",
        "Pass one statement that the planner plans.");

    /// <summary>Whether the server refuses a statement, and neither ends the session nor was asked to stop.</summary>
    internal static bool IsRefusal(PostgresException e, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested && e.InvariantSeverity is not ("FATAL" or "PANIC");

    internal static PerfMonitoringException NotPlanned(PostgresException e, ServerTarget target) => new(
        ErrorIds.PlanFailed, FailureKind.ServerError,
        $"{target} makes no plan of the statement (SQLSTATE {e.SqlState}): {ServerText.WithoutValues(e).MessageText}.",
        "The plan of this statement is unknown; check the role's rights and search_path.");
}

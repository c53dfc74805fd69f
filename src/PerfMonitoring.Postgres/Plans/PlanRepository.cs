using Dapper;
using Npgsql;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Queries;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>Generic plans: asked for under short limits, in a read-only transaction that is rolled back.</summary>
internal sealed class PlanRepository(Database target) : IPlanRepository
{
    private readonly StatementMender mender = new(target);

    public async Task<string> ExplainAsync(string sql, CancellationToken cancellationToken)
    {
        var statement = PlannableText.TryMake(sql, out _) ?? throw NotPlannable();
        await using var connection = await target.ConnectAsync(cancellationToken);
        try
        {
            return await mender.PlanAsync(statement, text => ExplainAsync(connection, text, cancellationToken), cancellationToken);
        }
        catch (Exception e) when (Failures.TryTranslate(e, target.Target.ToString(), cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    private async Task<string> ExplainAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        var version = target.Target.ServerVersionNumber;
        PlannableText.TryMake(statement, out var parameters);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(Sql.Get(typeof(PlanRepository), "LimitPlanning", version), null);
        await ExecuteAsync(Sql.Get(typeof(Database), "SetSearchPath", version), new { SearchPath = target.UserSearchPath });
        await ExecuteAsync(
            Sql.Get(typeof(PlanRepository), "PrepareExplain", version),
            new { Statement = statement, Arguments = Nulls(parameters), Verbose = true });
        await ExecuteAsync(Sql.Get(typeof(PlanRepository), "Explain", version), null);
        var plan = await connection.ExecuteScalarAsync<string>(
            new CommandDefinition(Sql.Get(typeof(PlanRepository), "GetPlan", version), transaction: transaction, cancellationToken: cancellationToken));
        await transaction.RollbackAsync(CancellationToken.None);
        return plan!;

        Task<int> ExecuteAsync(string text, object? values) =>
            connection.ExecuteAsync(new CommandDefinition(text, values, transaction, cancellationToken: cancellationToken));
    }

    /// <summary>A null for each parameter, as EXECUTE wants them.</summary>
    internal static string Nulls(int parameters) => parameters == 0 ? "" : $"({string.Join(',', Enumerable.Repeat("null", parameters))})";

    internal static PerfMonitoringException NotPlannable() => new(
        "NotPlannable", FailureKind.InvalidArgument, "The text is not one SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES statement.",
        "Pass one statement that the planner plans.");

    internal static PerfMonitoringException NotPlanned(PostgresException e, ServerTarget target) => new(
        "PlanFailed", FailureKind.ServerError,
        $"{target} makes no plan of the statement (SQLSTATE {e.SqlState}): {ServerText.WithoutValues(e).MessageText}.",
        "The plan of this statement is unknown; check the role's rights and search_path.");
}

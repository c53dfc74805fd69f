using PerfMonitoring.Common;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Limits and options of the advice.</summary>
internal sealed record AdvisorOptions
{
    /// <summary>
    /// The most disk space for all new indexes together, in bytes; null for a part of what the tables of the workload take
    /// (<see cref="DefaultBudget"/>).
    /// </summary>
    public long? StorageBudget { get; init; }

    /// <summary>
    /// The least gain of a byte on disk, as a share of what the workload costs at its best. It follows from the size of the
    /// tables (<see cref="For"/>).
    /// </summary>
    public double ByteGain { get; private init; }

    /// <summary>The most indexes; null for no limit.</summary>
    public int? MaximumCount { get; init; }

    /// <summary>The least gain of each index, as a share of the workload's cost, 0 to 1.</summary>
    public double MinimumGain { get; init; } = 0.001;

    /// <summary>Weight of maintenance cost against the gain: 1 counts it in full, 0 ignores it.</summary>
    public double WriteWeight { get; init; } = 1;

    /// <summary>The most that the cost of a statement may rise, as a share of its cost; 0 allows no rise.</summary>
    public double MaximumRegression { get; init; }

    /// <summary>
    /// Reverted indexes that are not proposed again, as statements without a name, with the reason; none by default.
    /// </summary>
    public IReadOnlyDictionary<string, string> Reverted { get; init; } = new Dictionary<string, string>();

    /// <summary>Number of sessions that ask the planner concurrently.</summary>
    public int Sessions { get; init; } = 2;

    /// <summary>Time limit of the search, which then returns the best configuration so far; null for no limit.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>The maintenance window for the builds.</summary>
    public MaintenanceWindow MaintenanceWindow { get; init; }

    /// <summary>
    /// The budget where the user gives none, in bytes: a quarter of what the tables of the workload take on disk, and at least
    /// 100 MB, so that the indexes of small tables fit. New indexes then stay well below the size of the data, in the backup, in
    /// the cache and for VACUUM.
    /// </summary>
    /// <param name="tableBytes">Size of the tables in bytes.</param>
    public static long DefaultBudget(double tableBytes) => (long)(Tuning.Selection.DefaultBudgetShare * SizeOf(tableBytes));

    /// <summary>
    /// The options for a workload on tables of that size: the budget, and the gain that a byte must bring. Within a budget that
    /// the user gives, a byte needs to gain less than without one.
    /// </summary>
    /// <param name="tableBytes">Size of the tables in bytes.</param>
    public AdvisorOptions For(double tableBytes) => this with
    {
        StorageBudget = StorageBudget ?? DefaultBudget(tableBytes),
        ByteGain = (StorageBudget is null ? Tuning.Selection.SizeGain : Tuning.Selection.SizeGainInBudget) / SizeOf(tableBytes),
    };

    // The indexes of small tables are often as large as these.
    private static double SizeOf(double tableBytes) => Math.Max(tableBytes, Tuning.Selection.LeastSize);
}

/// <summary>Progress of the advisor.</summary>
/// <param name="Activity">The present activity.</param>
/// <param name="Percent">Completed share of the activity, 0 to 100.</param>
/// <param name="Calls">Number of planner calls.</param>
internal sealed record AdvisorProgress(string Activity, int Percent, int Calls);

/// <summary>A statement without advice.</summary>
/// <param name="QueryHash">Its fingerprint.</param>
/// <param name="Reason">The reason; without constants of the statement.</param>
/// <param name="IsUtility">Whether it is of a kind that is never planned, so that the user does not expect advice.</param>
internal sealed record SkippedStatement(string QueryHash, string Reason, bool IsUtility = false)
{
    /// <summary>Set where it was left out because planning could run untrusted code.</summary>
    public UntrustedStatement? Untrusted { get; init; }

    /// <summary>
    /// Whether a failure concerns one statement, so that the advice goes on without it. A lost connection and a server without
    /// resources concern all of them.
    /// </summary>
    public static bool IsCausedBy(PerfMonitoringException failure) =>
        failure.Kind is not (FailureKind.ConnectionFailed or FailureKind.Busy or FailureKind.NotInstalled)
        && failure.ErrorId is not (ErrorIds.AuthenticationFailed or ErrorIds.PlansLogged);

    /// <summary>A statement that is left out because of a failure.</summary>
    public static SkippedStatement Of(WorkloadStatement statement, PerfMonitoringException failure) =>
        new(statement.QueryHash, failure.Message, IsUtility: failure.ErrorId == ErrorIds.NotPlannable)
        {
            Untrusted = failure.ErrorId == ErrorIds.UntrustedCode
                ? UntrustedStatement.Of(statement.QueryHash, QueryText.Normalize(statement.Text), failure.Message) : null,
        };
}

/// <summary>A statement that runs much longer than the planner's cost tells, whatever values its parameters have.</summary>
/// <param name="QueryHash">Its fingerprint.</param>
/// <param name="Pattern">The query, for people.</param>
/// <param name="Weight">Number of executions.</param>
/// <param name="MeanTimeMs">Mean measured time of an execution in milliseconds.</param>
/// <param name="Cost">Mean cost of an execution in planner units.</param>
/// <param name="Factor">Times that it takes longer than other statements of that cost.</param>
/// <param name="Written">The tables that it writes; for a write, triggers, foreign keys and locks, which no plan shows, take
/// time, too.</param>
internal sealed record MisjudgedStatement(
    string QueryHash, string Pattern, double Weight, double MeanTimeMs, double Cost, double Factor,
    IReadOnlyList<RelationName> Written);

/// <summary>
/// A statement that may gain by an index on an expression, whose constants the server did not keep.
/// </summary>
/// <param name="QueryHash">Its fingerprint.</param>
/// <param name="Pattern">The query, for people.</param>
/// <param name="TableName">The table of the expression.</param>
internal sealed record LostExpression(string QueryHash, string Pattern, string TableName);

/// <summary>A table of the workload without advice.</summary>
/// <param name="TableName">The table.</param>
/// <param name="Reason">The reason.</param>
/// <param name="IsExpected">Whether the user does not expect advice: a table of the system or of the store.</param>
internal sealed record PassedOverTable(string TableName, string Reason, bool IsExpected = false);

/// <summary>The advice.</summary>
internal sealed record IndexAdvice
{
    /// <summary>The strategies, the highest gain per byte first.</summary>
    public required IReadOnlyList<IndexStrategy> Strategies { get; init; }

    /// <summary>Statements that could not be planned.</summary>
    public IReadOnlyList<SkippedStatement> Skipped { get; init; } = [];

    /// <summary>
    /// Statements that run much longer than the planner expects, those with the most measured time first: their advice may be
    /// wrong.
    /// </summary>
    public IReadOnlyList<MisjudgedStatement> Misjudged { get; init; } = [];

    /// <summary>
    /// Statements that cost much with the new indexes, and search by an expression whose constants are unknown; the most
    /// expensive first.
    /// </summary>
    public IReadOnlyList<LostExpression> LostExpressions { get; init; } = [];

    /// <summary>Further possibilities that need an action of the user first; one sentence each.</summary>
    public IReadOnlyList<string> Hints { get; init; } = [];

    /// <summary>Tables that got no candidates because of their kind.</summary>
    public IReadOnlyList<PassedOverTable> PassedOver { get; init; } = [];

    /// <summary>Weighted cost of the workload without the new indexes, in planner units.</summary>
    public double CostBefore { get; init; }

    /// <summary>Weighted cost of the workload with the new indexes, in planner units.</summary>
    public double CostAfter { get; init; }

    /// <summary>Number of planned statements.</summary>
    public int Statements { get; init; }

    /// <summary>The candidates, each with its verdict: the chosen ones by rank, then the others by their gain alone.</summary>
    public IReadOnlyList<IndexCandidate> Candidates { get; init; } = [];

    /// <summary>Whether the search ended early: the strategies are the best configuration so far.</summary>
    public bool IsCutShort { get; init; }

    /// <summary>Number of planner calls.</summary>
    public int Calls { get; init; }
}

using PerfMonitoring.Statements;

namespace PerfMonitoring.Plans;

/// <summary>A statement for the planner.</summary>
/// <param name="Text">One plannable statement, with constants or with $n; where there are arguments, in the form of
/// <see cref="PlannableText"/>.</param>
/// <param name="Arguments">A value for each of $1, $2 ... in the text, in the form that the input function of the type reads,
/// without quotes; null for NULL. The plan is then for these values. A null list gives the generic plan.</param>
public sealed record PlanText(string Text, IReadOnlyList<string?>? Arguments = null)
{
    /// <summary>The role that runs the statement.</summary>
    public StatementOrigin Origin { get; init; } = StatementOrigin.Unknown;
}

/// <summary>
/// The origin of a planned statement. Planning uses the rights and the search path of the first of the roles that the session may
/// become.
/// </summary>
/// <param name="Roles">The roles that ran it, the most frequent one first; empty where unknown.</param>
/// <param name="MayRunAnyCode">Whether to plan it although planning may run functions of roles that are less trusted than the
/// session's: the planner folds constants with them.</param>
public sealed record StatementOrigin(IReadOnlyList<string> Roles, bool MayRunAnyCode = false)
{
    /// <summary>A statement that a user wrote, or whose role is unknown.</summary>
    public static StatementOrigin Unknown { get; } = new([]);
}

using PerfMonitoring.Statements;

namespace PerfMonitoring.Plans;

/// <summary>A statement as it is to be planned.</summary>
/// <param name="Text">One plannable statement, with constants or with $n; where there are arguments, as
/// <see cref="PlannableText"/> makes it.</param>
/// <param name="Arguments"> A value for each of $1, $2 ... in the text: as the type's input function reads it, without quotes;
/// null for NULL. The plan is then the one for these values. Null for the generic plan.
/// </param>
public sealed record PlanText(string Text, IReadOnlyList<string?>? Arguments = null)
{
    /// <summary>Whose statement it is.</summary>
    public StatementOrigin Origin { get; init; } = StatementOrigin.Unknown;
}

/// <summary>
/// Whose statement is planned. It gets the rights and the search path of the first of its roles that the session may become.
/// </summary>
/// <param name="Roles">The roles that ran it, the one that ran it most first; none where that is not known.</param>
/// <param name="MayRunAnyCode"> Whether it is planned although planning may run functions of roles that are less trusted than the
/// session's: the planner folds constants with them.
/// </param>
public sealed record StatementOrigin(IReadOnlyList<string> Roles, bool MayRunAnyCode = false)
{
    /// <summary>A text that came by hand, or of a role that nobody knows.</summary>
    public static StatementOrigin Unknown { get; } = new([]);
}

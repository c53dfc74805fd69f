using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>Creates the results for one database from facts that may be unknown.</summary>
internal sealed class PrerequisiteMaker(ServerTarget target)
{
    public PrerequisiteResult From<T>(
        string name, PrerequisiteCategory category, string enables, Fact<T> fact,
        Func<T, (PrerequisiteState State, string? Value, string? Remedy)> judge, bool required = false)
        where T : class
    {
        var (state, value, remedy) = fact.IsKnown ? judge(fact.Value) : (fact.State, fact.Reason, fact.Remedy);
        return new PrerequisiteResult
        {
            Name = name, Category = category, State = state, Required = required, Value = value, Enables = enables,
            Remedy = remedy, Target = target,
        };
    }
}

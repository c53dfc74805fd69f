using Google.OrTools.LinearSolver;
using PerfMonitoring.Advice;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// The choice of indexes as the integer program of CoPhy (Dash, Polyzotis, Ailamaki, PVLDB 2011), over the plans that the cost
/// tables of a run of the advisor know: each statement has one plan, a plan needs its indexes, the indexes share the budget.
/// </summary>
/// <remarks>
/// The program of the paper lets a statement have any plan whose indexes are there. The search counts the plan that the planner
/// will take, which is the cheapest one even if another carries less risk, and fears a more expensive one that nearly ties. So
/// the program's optimum is at first only a bound. Where its set costs more than it says, the rows are added that forbid the plan
/// or charge for the risk, and it is solved again, until both agree: then the set is the best one by the search's own measure.
/// Nothing of that measure is left out, the limit of regressions neither: a plan beyond it has no variable, and where the planner
/// would take it, the rows that are added forbid the set.
/// </remarks>
internal sealed class SelectionProgram : IDisposable
{
    // Beyond this share of the cost, a set that costs more than the program says is no matter of rounding.
    private const double Tolerance = 1e-6;

    // The objective is scaled to this: the solver's tolerances are absolute.
    private const double Scale = 1e4;

    private readonly Solver solver;
    private readonly IndexSelection selection;
    private readonly Variable?[] built;
    private readonly Variable?[][] taken;
    private readonly Dictionary<string, Variable> available = [];
    private readonly Dictionary<(int Statement, int Plan), Variable> feared = [];
    private readonly HashSet<(int Statement, int Plan, int Other)> rows = [];
    private readonly double unit;

    /// <summary>Writes the program down.</summary>
    /// <param name="selection">What is known.</param>
    /// <param name="options">Budget and limits.</param>
    /// <param name="isOut">Candidates that cannot be chosen, by id.</param>
    /// <param name="withRivals">Whether no index is chosen beside one that does all its work, as the search has it.</param>
    /// <param name="engine">Which solver; the first that is there if null.</param>
    public SelectionProgram(
        IndexSelection selection, AdvisorOptions options, Func<int, bool> isOut, bool withRivals, string? engine)
    {
        this.selection = selection;
        string[] engines = engine is null ? ["SCIP", "HIGHS", "CBC"] : [engine];
        solver = engines.Select(Solver.CreateSolver).FirstOrDefault(s => s is not null)
            ?? throw new InvalidOperationException($"The solver's package has none of {string.Join(", ", engines)}.");
        unit = selection.ScoreOf([]) / Scale;
        var candidates = selection.Candidates;
        built = [.. candidates.Select(
            (c, i) => selection.Plans.StatementsOf(i).Count == 0 || isOut(c.Id) || c.SizeBytes > options.StorageBudget
                ? null : solver.MakeBoolVar($"y{c.Id}"))];
        var budget = solver.MakeConstraint(
            0, (options.StorageBudget ?? double.PositiveInfinity) / AdvisorQuality.Megabyte, "budget");
        var count = solver.MakeConstraint(0, options.MaximumCount ?? double.PositiveInfinity, "count");
        for (var i = 0; i < built.Length; i++)
        {
            if (built[i] is { } mine)
            {
                budget.SetCoefficient(mine, candidates[i].SizeBytes / AdvisorQuality.Megabyte);
                count.SetCoefficient(mine, 1);
                solver.Objective().SetCoefficient(mine, selection.Upkeep.Of(candidates[i]) / unit);
                foreach (var rival in withRivals ? selection.NotBeside[i].Where(r => r > i && built[r] is not null) : [])
                {
                    Row(double.NegativeInfinity, 1, (mine, 1), (built[rival]!, 1));
                }
            }
        }

        taken = [.. selection.Tables.Select((_, s) => Plans(s))];
        solver.Objective().SetMinimization();
    }

    /// <summary>Rows that were added since the program was first solved.</summary>
    public int Added => rows.Count;

    /// <summary>Variables and rows.</summary>
    public (int Variables, int Rows) Size => (solver.NumVariables(), solver.NumConstraints());

    /// <summary>Which solver it is.</summary>
    public string Engine => solver.SolverVersion();

    /// <summary>
    /// Solves it: the best set with its cost, by ids, and a cost that no set is below; they are equal where the optimum is
    /// proved.
    /// </summary>
    /// <param name="start">A set to begin with.</param>
    /// <param name="limit">The time that it may take.</param>
    public (IReadOnlyList<int> Set, double Score, double Bound) Solve(IReadOnlyList<int> start, TimeSpan limit)
    {
        var best = (Set: start, Score: selection.ScoreOf(start), Bound: 0.0);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using var parameters = new MPSolverParameters();
        parameters.SetDoubleParam(MPSolverParameters.DoubleParam.RELATIVE_MIP_GAP, Tolerance / 10);
        while (clock.Elapsed < limit)
        {
            solver.SetTimeLimit((long)(limit - clock.Elapsed).TotalMilliseconds + 1);
            if (solver.Solve(parameters) is not (Solver.ResultStatus.OPTIMAL or Solver.ResultStatus.FEASIBLE) and var status)
            {
                // Without a set yet it says nothing, when its time is over; no set at all is never true: the empty one is one.
                return status == Solver.ResultStatus.INFEASIBLE
                    ? throw new InvalidOperationException("The solver finds no set, not even the empty one.") : best;
            }

            best.Bound = Math.Max(best.Bound, solver.Objective().BestBound() * unit);
            List<int> set = [.. Enumerable.Range(0, built.Length).Where(i => built[i]?.SolutionValue() > 0.5)];
            var score = selection.ScoreOf(set);
            if (score < best.Score)
            {
                (best.Set, best.Score) = (set, score);
            }

            if (best.Bound >= best.Score * (1 - Tolerance) || !Refine(selection.Plans.Membership(set)))
            {
                break;
            }
        }

        return best;
    }

    public void Dispose() => solver.Dispose();

    // One plan for each statement: those that the search may count, each only where its indexes are there. An index can stand in
    // for another; plans that need the same one share a row, which binds tighter than a row for each.
    private Variable?[] Plans(int statement)
    {
        var plans = selection.Plans[statement];
        var mine = new Variable?[plans.Length];
        var one = solver.MakeConstraint(1, 1);
        var users = new Dictionary<Variable, Constraint>();
        for (var p = 0; p < plans.Length; p++)
        {
            var (plan, needs) = plans[p];
            if (!selection.Allows(statement, plan) || !Array.TrueForAll(needs, CanBe))
            {
                continue;
            }

            mine[p] = solver.MakeNumVar(0, 1, $"x{statement}_{p}");
            one.SetCoefficient(mine[p], 1);
            solver.Objective().SetCoefficient(
                mine[p],
                selection.Tables[statement].Weight * (plan.Cost + (Tuning.Selection.RiskWeight * plan.Risk)) / unit);
            foreach (var need in needs.Select(Available).Distinct())
            {
                if (!users.TryGetValue(need, out var row))
                {
                    users.Add(need, row = Row(double.NegativeInfinity, 0, (need, -1)));
                }

                row.SetCoefficient(mine[p], 1);
            }
        }

        return mine;
    }

    // Adds what the program does not know yet of the plans that a set brings; whether there was anything.
    private bool Refine(bool[] has)
    {
        var before = rows.Count;
        // Read before the first row is added: the solver forgets its values then.
        double[] share = [.. taken.Select((x, s) => x[selection.Plans.Best(s, has)]?.SolutionValue() ?? 0)];
        for (var s = 0; s < taken.Length; s++)
        {
            var plans = selection.Plans[s];
            var real = selection.Plans.Best(s, has);
            if (share[s] < 0.999 && rows.Add((s, real, real)))
            {
                // The planner takes a more expensive plan only where this one cannot be had.
                var needs = Needs(plans[real].Needs);
                Row(1 - needs.Count, double.PositiveInfinity,
                    [.. taken[s].Take(real + 1).OfType<Variable>().Select(x => (x, 1.0)), .. needs.Select(n => (n, -1.0))]);
            }

            var worst = Array.FindIndex(
                plans, real, p => p.Plan.Total >= selection.Plans.Feared(s, plans[real].Plan, has, real)
                    && Array.TrueForAll(p.Needs, n => Array.Exists(n, i => has[i])));
            var rise = selection.Tables[s].Weight * Tuning.Selection.RiskWeight
                * (plans[Math.Max(real, worst)].Plan.Total - plans[real].Plan.Total) / unit;
            // Solvers take what is hardly more than nothing for nothing, and say so each time.
            if (rise > Tolerance && taken[s][real] is { } x && rows.Add((s, real, worst)))
            {
                // What is feared beyond the plan's own risk, where the plan is taken and the other one can be had.
                if (!feared.TryGetValue((s, real), out var beyond))
                {
                    feared.Add((s, real), beyond = solver.MakeNumVar(0, double.PositiveInfinity, $"u{s}_{real}"));
                    solver.Objective().SetCoefficient(beyond, 1);
                }

                var needs = Needs(plans[worst].Needs).Except(Needs(plans[real].Needs)).ToList();
                Row(-rise * needs.Count, double.PositiveInfinity,
                    [(beyond, 1), (x, -rise), .. needs.Select(n => (n, -rise))]);
            }
        }

        return rows.Count > before;
    }

    private List<Variable> Needs(int[][] needs) => [.. needs.Select(Available).Distinct()];

    private bool CanBe(int[] need) => Array.Exists(need, i => built[i] is not null);

    // Whether one of those that can do the work is there.
    private Variable Available(int[] need)
    {
        List<int> members = [.. need.Where(i => built[i] is not null).Distinct().Order()];
        if (members is [var single])
        {
            return built[single]!;
        }

        var key = string.Join(',', members);
        if (!available.TryGetValue(key, out var one))
        {
            available.Add(key, one = solver.MakeNumVar(0, 1, $"o{available.Count}"));
            Row(double.NegativeInfinity, 0, [(one, 1), .. members.Select(i => (built[i]!, -1.0))]);
            foreach (var i in members)
            {
                Row(0, double.PositiveInfinity, (one, 1), (built[i]!, -1));
            }
        }

        return one;
    }

    private Constraint Row(double least, double most, params ReadOnlySpan<(Variable Variable, double Factor)> terms)
    {
        var row = solver.MakeConstraint(least, most);
        foreach (var (variable, factor) in terms)
        {
            row.SetCoefficient(variable, factor);
        }

        return row;
    }
}

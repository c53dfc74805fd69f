using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>A workload with its plans.</summary>
/// <param name="Statements">One entry for each variant of a statement; those of one statement are adjacent.</param>
/// <param name="Tables">The tables that the statements read or write.</param>
/// <param name="Skipped">Statements without a plan.</param>
internal sealed record PlannedWorkload(
    IReadOnlyList<PlannedStatement> Statements, WorkloadTables Tables, IReadOnlyList<SkippedStatement> Skipped)
{
    /// <summary>Statements that run much longer than their plans tell.</summary>
    public IReadOnlyList<MisjudgedStatement> Misjudged { get; init; } = [];
}

/// <summary>
/// Plans each statement: its generic plan, and the plans with values of its parameters that match the server's counters.
/// </summary>
/// <param name="catalog">The tables.</param>
/// <param name="sessions">The planner; statements are planned concurrently.</param>
/// <param name="progress">Receives progress; may be null.</param>
internal sealed class WorkloadReader(
    ICatalogRepository catalog, IReadOnlyList<IWhatIf> sessions, IProgress<AdvisorProgress>? progress)
{
    private int calls;

    /// <summary>Number of planner calls so far.</summary>
    public int Calls => calls;

    /// <summary>Reads the workload.</summary>
    public async Task<PlannedWorkload> ReadAsync(IReadOnlyList<WorkloadStatement> workload, CancellationToken cancellationToken)
    {
        var plans = new WhatIfPlan?[workload.Count];
        var skipped = new SkippedStatement?[workload.Count];
        await ForEachAsync(workload.Count, async (session, i) =>
        {
            progress?.Report(new AdvisorProgress("Reading plans", 100 * i / workload.Count, Calls));
            try
            {
                plans[i] = await ExplainAsync(session, workload[i].ToPlanText(workload[i].Text), true, cancellationToken);
            }
            catch (PerfMonitoringException e) when (SkippedStatement.IsCausedBy(e))
            {
                skipped[i] = SkippedStatement.Of(workload[i], e);
            }
        });

        var tables = await WorkloadTables.FindAsync(catalog, plans.OfType<WhatIfPlan>().Select(p => p.Plan), cancellationToken);
        var parameters = new StatementParameters(catalog);
        var readings = new Reading?[workload.Count];
        await ForEachAsync(workload.Count, async (session, i) =>
            readings[i] = plans[i] is { } answer
                ? await PlanVariantsAsync(
                    session, workload[i] with { Text = answer.Text }, answer.Plan, parameters, tables, cancellationToken)
                : null);
        var unit = VariantShares.UnitTime(
            readings.OfType<Reading>().Where(r => r.Statement.MeanTimeMs is not null)
            .Select(r => (r.Statement.MeanTimeMs!.Value, r.Cost)));
        await ForEachAsync(workload.Count, async (session, i) =>
        {
            if (readings[i] is { } reading && IsSlower(reading, unit))
            {
                await MatchTimeAsync(session, reading, reading.Statement.MeanTimeMs!.Value / unit, cancellationToken);
            }
        });
        return new PlannedWorkload(
            [.. readings.OfType<Reading>().SelectMany(r => r.ToStatements(tables))], tables,
            [.. skipped.OfType<SkippedStatement>()])
        {
            Misjudged = [.. readings.OfType<Reading>().Where(r => IsSlower(r, unit) && r.Tables.Any(tables.Advised.ContainsKey))
                .Select(r => new MisjudgedStatement(
                    r.Statement.QueryHash, r.Statement.Pattern, r.Statement.Weight, r.Statement.MeanTimeMs!.Value, r.Cost,
                    r.Statement.MeanTimeMs.Value / (unit * r.Cost), [.. r.Written]))],
        };
    }

    private async Task<Reading> PlanVariantsAsync(
        IWhatIf session, WorkloadStatement statement, PlanNode generic, StatementParameters parameters, WorkloadTables tables,
        CancellationToken cancellationToken)
    {
        var (usual, rare) = await parameters.VariantsAsync(statement, tables.Unite(generic), tables, cancellationToken);
        var reading = new Reading(statement, generic) { Rare = rare };
        try
        {
            var variants = new List<PlanVariant>();
            var plans = new List<PlanNode>();
            foreach (var variant in usual)
            {
                var (found, plan) = variant.Text is { Arguments: null } text && text.Text == statement.Text
                    ? (variant, generic) : await PlanAsync(session, reading, variant, cancellationToken);
                variants.Add(found);
                plans.Add(plan);
            }

            usual = VariantShares.ByRows(variants, plans, statement.RowsPerCall);
            reading.Variants.AddRange(usual.Zip(plans));
            if (VariantShares.OfNothing(usual, plans, statement.RowsPerCall) is > 0 and var nothing && rare is not null)
            {
                var plan = await AddRareAsync(session, reading, rare, cancellationToken);
                if (!plans.TrueForAll(p => VariantShares.AreAlike(plan, p)))
                {
                    reading.SetShares([.. usual.Select(v => v.Share * (1 - nothing)), nothing]);
                }
            }
        }
        catch (PerfMonitoringException e) when (SkippedStatement.IsCausedBy(e))
        {
            // Where a type does not accept the values of its column, the generic plan stays.
            reading.Variants.Clear();
            reading.Variants.Add((new PlanVariant(statement.ToPlanText(statement.Text), 1), generic));
            reading.Rare = null;
        }

        return reading;
    }

    // Whether executions take so much longer than the plans tell that something else must explain it.
    private static bool IsSlower(Reading reading, double unit) => reading.Statement.MeanTimeMs / unit
        > Tuning.Evidence.Slower * Math.Max(reading.Cost, Tuning.Evidence.LeastCost);

    // A variant that finds nothing reads everything where a LIMIT ends the others early.
    private async Task MatchTimeAsync(IWhatIf session, Reading reading, double measured, CancellationToken cancellationToken)
    {
        if (reading.Rare is { } rare && !reading.Variants.Exists(v => ReferenceEquals(v.Variant.Text, rare.Text)))
        {
            try
            {
                await AddRareAsync(session, reading, rare, cancellationToken);
            }
            catch (PerfMonitoringException e) when (SkippedStatement.IsCausedBy(e))
            {
                // The server does not accept the values: the other variants stay.
                return;
            }
        }

        reading.SetShares(
            VariantShares.ByTime(
                reading.Variants.ConvertAll(v => v.Variant.Share), reading.Variants.ConvertAll(v => v.Plan.TotalCost), measured));
    }

    private async Task<PlanNode> AddRareAsync(
        IWhatIf session, Reading reading, PlanVariant rare, CancellationToken cancellationToken)
    {
        var planned = await PlanAsync(session, reading, rare, cancellationToken);
        reading.Rare = planned.Variant;
        reading.Variants.Add(planned);
        return planned.Plan;
    }

    // The variant with the text that the server plans.
    private async Task<(PlanVariant Variant, PlanNode Plan)> PlanAsync(
        IWhatIf session, Reading reading, PlanVariant variant, CancellationToken cancellationToken)
    {
        var answer = await ExplainAsync(session, variant.Text, reading.IsWrite, cancellationToken);
        return (variant with { Text = variant.Text with { Text = answer.Text } }, answer.Plan);
    }

    private async Task<WhatIfPlan> ExplainAsync(IWhatIf session, PlanText text, bool verbose, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref calls);
        return await session.ExplainAsync(new WhatIfRequest(text, []) { Verbose = verbose }, cancellationToken);
    }

    private Task ForEachAsync(int count, Func<IWhatIf, int, Task> action) =>
        SideBySide.ForEachAsync(sessions, Enumerable.Range(0, count), action);

    // One statement with its variants and their plans.
    private sealed class Reading(WorkloadStatement statement, PlanNode generic)
    {
        public WorkloadStatement Statement => statement;

        public List<(PlanVariant Variant, PlanNode Plan)> Variants { get; } = [];

        public PlanVariant? Rare { get; set; }

        /// <summary>The tables that it writes.</summary>
        public IEnumerable<RelationName> Written => generic.All().Where(IsModifyTable).Select(NameOf).Distinct();

        /// <summary>The tables that it reads or writes.</summary>
        public IEnumerable<RelationName> Tables => generic.All().Where(n => n.RelationName is not null).Select(NameOf);

        /// <summary>Whether a plan must contain schemas, to tell which tables it writes.</summary>
        public bool IsWrite => Written.Any();

        /// <summary>Mean cost of an execution in planner units.</summary>
        public double Cost => Variants.Sum(v => v.Variant.Share * v.Plan.TotalCost);

        private bool FindsNothing =>
            Rare is not null && Variants.Exists(v => v.Variant.Share > 0 && ReferenceEquals(v.Variant.Text, Rare.Text));

        public void SetShares(IReadOnlyList<double> shares)
        {
            for (var i = 0; i < shares.Count; i++)
            {
                Variants[i] = (Variants[i].Variant with { Share = shares[i] }, Variants[i].Plan);
            }
        }

        public IEnumerable<PlannedStatement> ToStatements(WorkloadTables tables)
        {
            var use = PlanReader.Read(tables.Unite(generic), statement.Text, tables: tables.Advised);
            return Variants
                .Select(v => new PlannedStatement(
                    statement, v.Variant.Text, statement.Weight * v.Variant.Share, v.Plan, use,
                    [.. Writes(tables.Unite(v.Plan))])
                {
                    RowsPerCall = FindsNothing ? null : statement.RowsPerCall,
                })
                .Where(p => p.Weight > 0 || Variants.Count == 1);
        }

        // The server counts the rows that the statement itself writes, not those of WITH and rules.
        private IEnumerable<TableWrite> Writes(PlanNode plan) => plan.All().Where(IsModifyTable).Select(n => new TableWrite(
            NameOf(n), n.Operation!,
            ReferenceEquals(n, plan) ? statement.RowsPerCall ?? TableWrite.RowsOf(n) : TableWrite.RowsOf(n),
            n.Operation == "Update" ? UpdatedColumns.Of(statement.Text) : null));

        private static RelationName NameOf(PlanNode node) => new(node.Schema, node.RelationName!);

        private static bool IsModifyTable(PlanNode node) =>
            node is { NodeType: "ModifyTable", Operation: not null, RelationName: not null };
    }
}

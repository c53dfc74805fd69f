namespace PerfMonitoring.Advice;

/// <summary>
/// The constants that tune the advice. Each says where it comes from: a source, a fit (on what), or a judgement. Constants that
/// PostgreSQL defines stand in <see cref="PerfMonitoring.Indexes.PlannerDefaults"/> and where its formulas are used.
/// </summary>
internal static class Tuning
{
    /// <summary>Which indexes are proposed.</summary>
    public static class Candidates
    {
        /// <summary>Most keys of a candidate. Judgement: more keys seldom narrow a scan.</summary>
        public const int MaximumKeys = 4;

        /// <summary>Most columns of a covering candidate. Judgement.</summary>
        public const int MaximumColumns = 9;

        /// <summary>Most conditions of a partial candidate. Judgement.</summary>
        public const int MaximumConditions = 3;

        /// <summary>A column with at most this many values can have a partial index for each. Judgement.</summary>
        public const int FewValues = 50;

        /// <summary>Pages. Reading a table of at most so many costs as much as one descent. Source: costsize.c.</summary>
        public const long SmallTable = 4;

        /// <summary>Share of the rows. Above it the planner reads the whole table instead of row by row. Judgement.</summary>
        public const double LargeShare = 0.5;

        /// <summary>Largest size of an index that is read completely, relative to its table. Judgement.</summary>
        public const double ClearlySmaller = 0.5;

        /// <summary>The same for an index that also avoids a sort. Judgement.</summary>
        public const double NoLarger = 1;

        /// <summary>From this correlation on, rows lie in the order of the column. Judgement.</summary>
        public const double Ordered = 0.95;

        /// <summary>Pages from which on a BRIN index is proposed. Judgement: 80 MB.</summary>
        public const int BrinPages = 10_000;

        /// <summary>
        /// Bytes. From this mean width on a value is no B-tree key; from this longest known width on a hash index is better.
        /// Judgement.
        /// </summary>
        public const int WideKey = 600;

        /// <summary>Bytes. Largest mean width of a column that is only read. Judgement.</summary>
        public const int WideColumn = 64;

        /// <summary>
        /// A column with so many times the values of another one is assumed to have values that the other lacks: the numbers are
        /// estimates. Judgement.
        /// </summary>
        public const double ReferenceTolerance = 1.1;
    }

    /// <summary>What a plan costs, and what it may cost beyond.</summary>
    public static class Costs
    {
        /// <summary>
        /// Share of the executions of a statement that have a wide range, where nothing is known of the values. Judgement.
        /// </summary>
        public const double WideRangeShare = 0.1;

        /// <summary>
        /// Planner units for each visit of a page that the plan does not pay for; 25 * cpu_tuple_cost. Fit: 55 pairs of plans of
        /// TPC-H, checked on two other workloads.
        /// </summary>
        public const double VisitCost = 0.25;

        /// <summary>Share of a scan that may be read in vain before a join finds its first row. Judgement.</summary>
        public const double InVain = 0.1;

        /// <summary>Factor above the rows that the planner expects to read until then. Judgement.</summary>
        public const double Sparser = 10;

        /// <summary>
        /// Up to this factor above the cheapest plan the planner may choose another one: expected and real costs differ by a few
        /// percent. Fit: TPC-H.
        /// </summary>
        public const double Tie = 1.05;

        /// <summary>
        /// Share of a cost. A smaller difference has no meaning. Source: the planner compares costs fuzzily, by 1 %
        /// (pathnode.c, STD_FUZZ_FACTOR).
        /// </summary>
        public const double Noise = 0.001;

        /// <summary>Most composed plans of a statement. Judgement: a long join has more than a selection can examine.</summary>
        public const int MaximumComposed = 200;

        /// <summary>A smaller index is an alternative only below this share of the bytes. Judgement.</summary>
        public const double Smaller = 0.95;

        /// <summary>Share of the present cost. Above this risk of a plan other plans are explored. Judgement.</summary>
        public const double Risky = 0.1;

        /// <summary>
        /// Above this ratio of the assumed to the real size of an index the planner's decision about it is doubtful. Judgement.
        /// </summary>
        public const double Misjudged = 1.5;
    }

    /// <summary>What the server's counters say about the values of parameters.</summary>
    public static class Evidence
    {
        /// <summary>From this share of its rows on, a LIMIT counts as reached in nearly every execution. Judgement.</summary>
        public const double Met = 0.9;

        /// <summary>
        /// Below this share of the rows that plans without a LIMIT expect, some executions find nothing. Judgement: the
        /// planner's estimates of typical values are often off by as much.
        /// </summary>
        public const double FewerRows = 0.5;

        /// <summary>
        /// Times that an execution takes longer than its planned cost tells. Above it the statement runs with other values, or
        /// the planner is wrong. Judgement: reads from disk explain less.
        /// </summary>
        public const double Slower = 10;

        /// <summary>Planner units. Below it, parsing and sending take most of the time of a statement. Judgement.</summary>
        public const double LeastCost = 50;

        /// <summary>Statements of at least that cost that tell the time of a unit. Judgement.</summary>
        public const int LeastStatements = 5;

        /// <summary>
        /// Share of what the workload costs with the new indexes from which on a statement without its index is named. Judgement.
        /// </summary>
        public const double Notable = 0.01;

        /// <summary>Share of the rows of a table above which one INSERT was its first load. Judgement.</summary>
        public const double Load = 0.5;

        /// <summary>Milliseconds of a planner unit. Fit: TPC-H, all data in memory.</summary>
        public const double UsualUnitTime = 0.007;
    }

    /// <summary>How far the search goes.</summary>
    public static class Selection
    {
        /// <summary>
        /// Most rounds of selection and confirmation by the planner. Fit: with 8, TPC-H at 300 and 450 MB ends 0.4 and 0.6 %
        /// above the optimum of its cost tables; with 24 it reaches it.
        /// </summary>
        public const int MaximumConfirmations = 24;

        /// <summary>
        /// Powers of the size by which gains are divided while a configuration grows, one start for each. Fit: on 33 instances
        /// (TPC-H, a web shop, generated statements) 0.7 and 0 beside these change nothing.
        /// </summary>
        public static readonly double[] Exponents = [1, 0.4];

        /// <summary>
        /// Share of the workload's cost. The planner is asked about a configuration only if it promises so much more than the
        /// best one: at most. Judgement.
        /// </summary>
        public const double MostWorth = 0.01;

        /// <summary>The same, for each statement of the workload. Judgement.</summary>
        public const double WorthPerStatement = 5e-5;

        /// <summary>
        /// Share of the workload's present cost that each index must gain in any case. Judgement: less is 0.00 % to a reader.
        /// </summary>
        public const double LeastShare = 2e-5;

        /// <summary>
        /// Share of what the workload costs at its best that an index must gain for each share of the tables' size that it takes:
        /// 0.25 for an index of 4 % of the size that gains 1 %. Judgement, on three applications.
        /// </summary>
        public const double SizeGain = 0.25;

        /// <summary>The same where the user gives a budget. Judgement.</summary>
        public const double SizeGainInBudget = 0.05;

        /// <summary>
        /// Share of what the workload costs at its best that a copy of a unique key must gain: it finds the same rows, and saves
        /// only their visits. Judgement.
        /// </summary>
        public const double CopyGain = 0.02;

        /// <summary>Share of the size of the tables that all new indexes take at most by default. Judgement.</summary>
        public const double DefaultBudgetShare = 0.25;

        /// <summary>Bytes. Smaller tables count as so large. Judgement: 100 MB of new indexes are no burden.</summary>
        public const double LeastSize = 400e6;

        /// <summary>Most indexes of other statements that one statement is explored with. Judgement.</summary>
        public const int MaximumShared = 30;

        /// <summary>Most indexes that may replace one index. Judgement.</summary>
        public const int MaximumCovers = 12;

        /// <summary>Score of a configuration that raises the cost of a statement beyond the limit. Judgement.</summary>
        public const double Forbidden = 1e6;

        /// <summary>Most rounds of destroy and repair. Judgement.</summary>
        public const int MaximumRounds = 200;

        /// <summary>
        /// Moves, or a quarter of the plans. Above it the selection grows with the first exponent only. Judgement: time. Below it
        /// stand 300 generated statements, whose configuration at 60 MB is 4.6 % better with the second exponent.
        /// </summary>
        public const int LargeEffort = 5000;

        /// <summary>Most indexes of other tables that an exchange tries to remove. Judgement.</summary>
        public const int Leavers = 12;

        /// <summary>Share of a risk that counts: the risk is a rough estimate. Judgement.</summary>
        public const double RiskWeight = 0.4;

        /// <summary>
        /// Share of the present cost. A risk forbids a configuration only where a statement might take so much longer.
        /// Judgement.
        /// </summary>
        public const double Doubt = 0.5;
    }
}

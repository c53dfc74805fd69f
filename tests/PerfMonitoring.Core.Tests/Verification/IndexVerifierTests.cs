using PerfMonitoring.Audit;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.QueryLog;

namespace PerfMonitoring.Verification;

public sealed class IndexVerifierTests
{
    private static readonly DateTimeOffset Built = new(2026, 1, 10, 0, 0, 0, TimeSpan.Zero);

    private static readonly IndexAction Create = new()
    {
        Action = IndexActionKind.Create, TableName = "public.\"Orders\"", IndexName = "i", Statement = "",
        StartedAt = Built.AddMinutes(-10), FinishedAt = Built,
    };

    // Tables of Student's t (two-sided).
    [Theory]
    [InlineData(0.05, 1, 12.706)]
    [InlineData(0.05, 2, 4.303)]
    [InlineData(0.05, 4, 2.776)]
    [InlineData(0.05, 9, 2.262)]
    [InlineData(0.01, 9, 3.250)]
    [InlineData(0.05, 30, 2.042)]
    [InlineData(0.1, 30, 1.697)]
    [InlineData(0.05, 100000, 1.960)]
    public void Quantiles_are_those_of_the_tables(double probability, double freedom, double expected) =>
        Assert.Equal(expected, StudentT.Quantile(probability, freedom), 0.002 * expected);

    [Theory]
    [InlineData(-3, -2.5, -2, VerificationVerdict.Improved)]
    [InlineData(-0.12, -0.11, -0.1, VerificationVerdict.Improved)]
    [InlineData(-0.09, -0.05, -0.01, VerificationVerdict.Neutral)]
    [InlineData(-0.09, 0, 0.09, VerificationVerdict.Neutral)]
    [InlineData(-0.2, -0.08, -0.01, VerificationVerdict.Insufficient)]
    [InlineData(-0.5, -0.2, 0.1, VerificationVerdict.Insufficient)]
    [InlineData(-0.1, 0.2, 0.5, VerificationVerdict.Insufficient)]
    [InlineData(0.05, 0.2, 0.35, VerificationVerdict.Regressed)]
    public void The_interval_decides(double lower, double log, double upper, VerificationVerdict expected) =>
        Assert.Equal(expected, new MeanRatio(log, lower, upper).Judge(0.1));

    [Fact]
    public void A_mean_weighs_calls_and_one_long_interval_is_no_sample()
    {
        var even = MeanEstimate.From([.. Hours(-8, 8, 10, 5)]);
        var lopsided = MeanEstimate.From([.. Hours(-8, 8, 10, 5), .. Hours(-9, 1, 100_000, 7)]);
        var few = MeanEstimate.From([.. Hours(-2, 2, 10, 5)]);

        Assert.Equal((5, 80, 8), (even.Mean, even.Calls, even.Intervals));
        Assert.Equal(6, even.DegreesOfFreedom, 1e-9);
        Assert.Equal(7, lopsided.Mean, 0.01);
        Assert.Equal(Math.Pow(0.25 * lopsided.Mean, 2), lopsided.Variance!.Value, 0.01);
        Assert.Null(few.Variance);
        Assert.Equal(0, MeanEstimate.From([]).Calls);
    }

    [Fact]
    public void What_got_faster_is_told_from_what_did_not()
    {
        var verification = Verify(
            ["read"],
            [
                .. Hours(-24, 24, 100, 50, "read"), .. Hours(0, 24, 100, 2, "read"),
                .. Hours(-24, 24, 100, 1, "write", "insert into \"Orders\" values ($1)"),
                .. Hours(0, 24, 100, 1.5, "write", "insert into \"Orders\" values ($1)"),
                .. Hours(-24, 24, 100, 9, "other", "select from \"Orders\" o"),
                .. Hours(-24, 48, 100, 9, "elsewhere", "insert into orders select $1"),
            ]);

        Assert.Equal(["read", "write"], verification.Queries.Select(q => q.QueryHash));
        Assert.Equal([VerificationVerdict.Improved, VerificationVerdict.Regressed], verification.Queries.Select(q => q.Verdict));
        Assert.Equal([false, true], verification.Queries.Select(q => q.IsWrite));
        Assert.Equal(-0.96, verification.Queries[0].Effect!.Value, 0.01);
        Assert.Equal(
            (2300, 2400, 23, 24),
            (verification.Queries[0].CallsBefore, verification.Queries[0].CallsAfter, verification.Queries[0].IntervalsBefore,
            verification.Queries[0].IntervalsAfter));
        Assert.Equal(VerificationVerdict.Improved, verification.Verdict);
        Assert.Equal((3.5 / 51) - 1, verification.Effect!.Value, 0.01);
        Assert.True(verification.EffectLower < verification.Effect && verification.Effect < verification.EffectUpper);
    }

    [Fact]
    public void Another_mix_of_statements_is_no_effect()
    {
        var verification = Verify(
            ["a", "b"],
            [.. Hours(-24, 24, 100, 1, "a"), .. Hours(-24, 24, 100, 10, "b"), .. Hours(0, 24, 10, 1, "a"),
            .. Hours(0, 24, 1000, 10, "b")]);

        Assert.Equal(VerificationVerdict.Neutral, verification.Verdict);
        Assert.Equal(0, verification.Effect!.Value, 0.02);
    }

    [Fact]
    public void What_overlaps_the_build_does_not_count()
    {
        var verification = Verify(["q"], [.. Hours(-24, 24, 100, 5), .. Hours(1, 2, 100, 5)]);

        var query = Assert.Single(verification.Queries);
        Assert.Equal((2300, 2), (query.CallsBefore, query.IntervalsAfter));
    }

    [Fact]
    public void Without_evidence_every_statement_that_names_the_table_is_judged()
    {
        var verification = Verify(
            [], [.. Hours(-8, 16, 100, 5, "a", "select from \"Orders\""), .. Hours(-8, 16, 100, 5, "b", "select from orders")]);

        Assert.Equal("a", Assert.Single(verification.Queries).QueryHash);
    }

    [Fact]
    public void Logged_executions_serve_where_there_are_no_intervals_and_are_never_mixed_with_them()
    {
        var logged = Hours(-50, 100, 1, 5)
            .Select(o => o with { IsExecution = true, Start = null, TotalTimeMs = o.End <= Built ? 50 : 5 }).ToList();

        var alone = Verify(["q"], logged);
        var beside = Verify(["q"], [.. logged, .. Hours(-24, 48, 100, 5)]);

        Assert.Equal((VerificationVerdict.Improved, 49), (alone.Verdict, alone.CallsBefore));
        Assert.Equal((VerificationVerdict.Neutral, 2300), (beside.Verdict, beside.CallsBefore));
    }

    [Theory]
    [InlineData(0, 100, "No execution before the build.")]
    [InlineData(24, 0, "No execution after the build.")]
    [InlineData(2, 100, "20 execution(s) before the build; 30 are needed.")]
    public void Too_little_says_what_is_missing(int before, int after, string missing)
    {
        var verification = Verify(["q"], [.. Hours(-before - 1, before, 10, 5), .. Hours(0, after, 10, 5)]);

        Assert.Equal(
            (VerificationVerdict.Insufficient, VerificationVerdict.Insufficient),
            (verification.Verdict, Assert.Single(verification.Queries).Verdict));
        Assert.StartsWith(missing, verification.Queries[0].Missing, StringComparison.Ordinal);
        Assert.Null(verification.Effect);
    }

    [Fact]
    public void One_interval_on_either_side_tells_only_a_large_effect()
    {
        Assert.Equal(VerificationVerdict.Improved, Verify(["q"], [.. Hours(-2, 1, 1000, 50), .. Hours(0, 1, 1000, 1)]).Verdict);
        Assert.Equal(
            VerificationVerdict.Insufficient, Verify(["q"], [.. Hours(-2, 1, 1000, 50), .. Hours(0, 1, 1000, 60)]).Verdict);
    }

    private static IndexVerification Verify(string[] meant, List<QueryObservation> observations) =>
        IndexVerifier.Verify(Create, meant.ToHashSet(), observations, new VerificationOptions());

    // The standard deviation of single times is half of the mean.
    private static IEnumerable<QueryObservation> Hours(
        int first, int count, long calls, double meanMs, string hash = "q", string query = "select") =>
        Enumerable.Range(first, count).Select(hour =>
        {
            var mean = meanMs;
            return new QueryObservation
            {
                QueryHash = hash, Query = query, Start = Built.AddHours(hour), End = Built.AddHours(hour + 1), Calls = calls,
                TotalTimeMs = calls * mean, SquaredTime = calls * 1.25 * mean * mean,
            };
        });
}

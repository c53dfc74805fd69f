namespace PerfMonitoring.Verification;

/// <summary>
/// The ratio of two means with its confidence interval: normal on the logarithm by the delta method, variance Va/Ma² + Vb/Mb²
/// (Casella and Berger, Statistical Inference, 2nd ed., 5.5.4), with Student's t at Welch's degrees of freedom (Welch, 1947). The
/// logarithm fits execution times, which are skewed to the right and never negative. Means are compared, not medians, since a
/// server pays for the sum.
/// </summary>
/// <param name="Log">Logarithm of after / before.</param>
/// <param name="Lower">Lower end of its confidence interval.</param>
/// <param name="Upper">Upper end of its confidence interval.</param>
internal readonly record struct MeanRatio(double Log, double Lower, double Upper)
{
    /// <summary>The ratio, or null where a mean is 0 or a variance is unknown.</summary>
    /// <param name="before">The mean before.</param>
    /// <param name="after">The mean after.</param>
    /// <param name="confidence">Confidence, 0 to 1.</param>
    public static MeanRatio? Of(MeanEstimate before, MeanEstimate after, double confidence)
    {
        if (before is not { Mean: > 0, Variance: { } variance } || after is not { Mean: > 0, Variance: { } varianceAfter })
        {
            return null;
        }

        var b = variance / (before.Mean * before.Mean);
        var a = varianceAfter / (after.Mean * after.Mean);
        var freedom = a + b > 0 ? (a + b) * (a + b) / ((a * a / after.DegreesOfFreedom) + (b * b / before.DegreesOfFreedom)) : 1;
        var margin = StudentT.Quantile(1 - confidence, freedom) * Math.Sqrt(a + b);
        var log = Math.Log(after.Mean / before.Mean);
        return new(log, log - margin, log + margin);
    }

    /// <summary>
    /// Improved or Regressed: the interval does not contain 0, and the effect is at least the minimum effect. Neutral: the
    /// complete interval is within the minimum effect (an equivalence test: Schuirmann, 1987). Else Insufficient.
    /// </summary>
    /// <param name="minimumEffect">The minimum effect, as a share of the time before.</param>
    public VerificationVerdict Judge(double minimumEffect)
    {
        var (low, high) = (Math.Log(1 - minimumEffect), Math.Log(1 + minimumEffect));
        return Upper < 0 && Log <= low ? VerificationVerdict.Improved
            : Lower > 0 && Log >= high ? VerificationVerdict.Regressed
            : Lower > low && Upper < high ? VerificationVerdict.Neutral
            : VerificationVerdict.Insufficient;
    }
}

/// <summary>Quantiles of Student's t.</summary>
internal static class StudentT
{
    /// <summary>
    /// The absolute value that is exceeded with a given probability (G. W. Hill, Algorithm 396, CACM 13 (1970) 619-620).
    /// </summary>
    /// <param name="probability">Probability of both tails together, above 0 and below 1.</param>
    /// <param name="freedom">Degrees of freedom, at least 1.</param>
    public static double Quantile(double probability, double freedom)
    {
        var n = freedom;
        if (n <= 1)
        {
            return 1 / Math.Tan(probability * Math.PI / 2);
        }

        if (n == 2)
        {
            return Math.Sqrt((2 / (probability * (2 - probability))) - 2);
        }

        var a = 1 / (n - 0.5);
        var b = 48 / (a * a);
        var c = (((((20700 * a / b) - 98) * a) - 16) * a) + 96.36;
        var d = ((((94.5 / (b + c)) - 3) / b) + 1) * Math.Sqrt(a * Math.PI / 2) * n;
        var y = Math.Pow(d * probability, 2 / n);
        if (y > 0.05 + a)
        {
            var x = Normal(probability / 2);
            y = x * x;
            if (n < 5)
            {
                c += 0.3 * (n - 4.5) * (x + 0.6);
            }

            c = (((((((0.05 * d * x) - 5) * x) - 7) * x) - 2) * x) + b + c;
            y = (((((((((((0.4 * y) + 6.3) * y) + 36) * y) + 94.5) / c) - y - 3) / b) + 1) * x);
            y = a * y * y;
            y = y > 0.002 ? Math.Exp(y) - 1 : (0.5 * y * y) + y;
        }
        else
        {
            y = (((((1 / (((((n + 6) / (n * y)) - (0.089 * d) - 0.822) * (n + 2)) * 3)) + (0.5 / (n + 4))) * y) - 1) * (n + 1) / (
                n + 2)) + (1 / y);
        }

        return Math.Sqrt(n * y);
    }

    // The lower quantile of the normal distribution, to 0.0005 (Abramowitz and Stegun, 26.2.23).
    private static double Normal(double p)
    {
        var t = Math.Sqrt(-2 * Math.Log(p));
        var x = t - ((2.515517 + (t * (0.802853 + (t * 0.010328)))) / (1 + (t * (1.432788 + (t * (0.189269 + (t * 0.001308)))))));
        return -x;
    }
}

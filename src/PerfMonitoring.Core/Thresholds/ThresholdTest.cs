using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>Measures the metrics of thresholds, once for all of them, and compares the values with their limits.</summary>
internal static class ThresholdTest
{
    /// <summary>Duration of the observation window where no stored sample can start it.</summary>
    public static readonly TimeSpan DefaultWindow = TimeSpan.FromSeconds(5);

    // A database has many tables: all that reach a limit are reported, and only the largest of the others.
    private const int LargestTables = 10;
    private const int ObjectLength = 60;

    /// <summary>
    /// Tests thresholds. Counters are read over an observation window: since the last stored sample, which is then replaced, or
    /// over <paramref name="window"/> (or <see cref="DefaultWindow"/>, where there is no store or no suitable sample).
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="thresholds">The thresholds; the results are in the same order.</param>
    /// <param name="window">Duration of the observation, without use of the store; null to use the stored sample.</param>
    /// <param name="progress">Receives the completed share of the observation window, 0 to 1.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed. Other failures make a result Unknown or a sample not
    /// stored.</exception>
    public static async Task<ThresholdRun> RunAsync(
        IMonitoringConnection connection, IReadOnlyList<PerformanceThreshold> thresholds, TimeSpan? window,
        IProgress<double>? progress,
        CancellationToken cancellationToken)
    {
        var (counted, failure) = thresholds.Any(t => Metric.Of(t.MetricType).IsCounted)
            ? await WatchAsync(connection.Metrics, window, progress, cancellationToken)
            : default;
        var results = new List<ThresholdResult>(thresholds.Count);
        foreach (var threshold in thresholds)
        {
            var report = new Report(threshold, connection.Target);
            try
            {
                results.AddRange(await MeasureAsync(report, connection.Metrics, counted, cancellationToken));
            }
            catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
            {
                results.Add(report.Unknown(e.Message));
            }
        }

        return new ThresholdRun(results, failure);
    }

    private static async Task<(MetricWindow Window, PerfMonitoringException? Failure)> WatchAsync(
        IMetricRepository metrics, TimeSpan? window, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var first = await metrics.SampleAsync(cancellationToken);
        MetricSample? stored = null;
        var failure = window is not null
            ? null : await TryAsync(async () => stored = await metrics.GetLastSampleAsync(cancellationToken));
        var keepsSample = window is null && failure is null;

        // A very recent sample, perhaps from another scheduler, makes the observation window too short.
        if (stored is null || !MetricWindow.IsComparable(stored, first) || first.TakenAt - stored.TakenAt < DefaultWindow)
        {
            await WaitAsync(window ?? DefaultWindow, progress, cancellationToken);
            stored = first;
            first = await metrics.SampleAsync(cancellationToken);
        }

        return (new MetricWindow(stored, first),
            keepsSample ? await TryAsync(() => metrics.SaveSampleAsync(first, cancellationToken)) : failure);
    }

    // A store that is missing, or that this role may not read or write, does not affect the result.
    private static async Task<PerfMonitoringException?> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return null;
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            return e;
        }
    }

    private static async Task WaitAsync(TimeSpan window, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (clock.Elapsed < window)
        {
            progress?.Report(clock.Elapsed / window);
            var rest = window - clock.Elapsed;
            await Task.Delay(
                rest < TimeSpan.FromMilliseconds(500) ? rest + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(500),
                cancellationToken);
        }
    }

    private static async Task<IReadOnlyList<ThresholdResult>> MeasureAsync(
        Report report, IMetricRepository metrics, MetricWindow? window, CancellationToken cancellationToken)
    {
        var threshold = report.Threshold;
        MeasuredTable? table = null;
        if (threshold.TableName is not null)
        {
            table = await metrics.FindTableAsync(RelationName.Parse(threshold.TableName), cancellationToken);
            if (table is null)
            {
                return [report.Unknown("there is no such table in this database")];
            }
        }

        switch (threshold.MetricType)
        {
            case MetricType.TableSize:
                return Sizes(report, await metrics.GetTableSizesAsync(table, cancellationToken));
            case MetricType.ConnectionCount:
                return [Connections(report, await metrics.GetConnectionsAsync(cancellationToken))];
            case MetricType.DeadlockCount:
                return [report.Counted(window!, window!.Deadlocks())];
            case MetricType.CacheHitRatio:
                return [report.Counted(window!, window!.CacheHitRatio(table), table?.Name)];
            case MetricType.IndexScanRatio:
                return [report.Counted(window!, window!.IndexScanRatio(table), table?.Name)];
            default:
                return [await QueryTimeAsync(report, metrics, window!, cancellationToken)];
        }
    }

    private static List<ThresholdResult> Sizes(Report report, IReadOnlyList<TableSize> sizes)
    {
        var results = sizes.OrderByDescending(s => s.Bytes)
            .Select(s => report.At(s.TakenAt, s.Bytes) with { ObjectName = s.Name, Subject = ThresholdSubject.Table })
            .ToList();
        return results.Count == 0
            ? [report.Unknown("there are no tables in this database")]
            : [.. results.Where((r, i) => i < LargestTables || r.State != ThresholdState.Ok)];
    }

    private static ThresholdResult Connections(Report report, ConnectionCount count) =>
        count.Clients is not { } clients
            ? report.Unknown("the role may not see other roles' connections (grant pg_monitor)")
            : report.At(
                count.TakenAt, report.Threshold.Unit == ThresholdUnit.Percentage ? 100m * clients / count.Maximum : clients);

    private static async Task<ThresholdResult> QueryTimeAsync(
        Report report, IMetricRepository metrics, MetricWindow window, CancellationToken cancellationToken)
    {
        var (worst, reason) = window.WorstStatement();
        if (worst is null)
        {
            return report.Counted(window, Measured.Unknown(reason!));
        }

        var text = await metrics.GetStatementTextAsync(worst.Key, cancellationToken);
        return report.Counted(window, new Measured((decimal)(worst.TotalTimeMs / worst.Calls), null)) with
        {
            Subject = ThresholdSubject.Query,
            ObjectName = text is null ? $"queryid {worst.Key.QueryId}" : Shorten(text),
            Query = text,
            QueryHash = text is null ? null : QueryText.Hash(QueryText.Normalize(text)),
            QueryId = worst.Key.QueryId,
            Calls = worst.Calls,
        };
    }

    private static string Shorten(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= ObjectLength ? line : line[..(ObjectLength - 1)] + "…";
    }

    private sealed class Report(PerformanceThreshold threshold, ServerTarget target)
    {
        public PerformanceThreshold Threshold => threshold;

        public ThresholdResult Unknown(string reason) => new()
        {
            State = ThresholdState.Unknown,
            MetricType = threshold.MetricType,
            Subject = threshold.TableName is not null ? ThresholdSubject.Table
                : threshold.MetricType == MetricType.ConnectionCount ? ThresholdSubject.Server
                : ThresholdSubject.Database,
            ObjectName = threshold.TableName
                ?? (threshold.MetricType == MetricType.ConnectionCount ? $"{target.HostName}:{target.Port}" : target.Database),
            Warning = threshold.Warning,
            Critical = threshold.Critical,
            Unit = threshold.Unit,
            Reason = reason,
            ThresholdId = threshold.Id,
            Target = target,
        };

        public ThresholdResult At(DateTimeOffset moment, decimal value) => Unknown("") with
        {
            State = Metric.Of(threshold.MetricType).Judge(value, threshold.Warning, threshold.Critical),
            Value = value,
            Until = moment,
            Reason = null,
        };

        public ThresholdResult Counted(MetricWindow window, Measured measured, string? table = null)
        {
            var isShare = threshold.Unit is ThresholdUnit.Percentage or ThresholdUnit.Ratio;
            var result = measured.Value is { } value
                ? At(window.Until, isShare ? value * Metric.Whole(threshold.Unit) : value)
                : Unknown(measured.Reason!);
            return result with { Since = window.Since, Until = window.Until, ObjectName = table ?? result.ObjectName };
        }
    }
}

/// <summary>Result of a test of thresholds.</summary>
/// <param name="Results">The results, in the order of the thresholds.</param>
/// <param name="StoreFailure">The reason why the store did not provide or accept a sample; null where it did, or was not
/// used.</param>
internal sealed record ThresholdRun(IReadOnlyList<ThresholdResult> Results, PerfMonitoringException? StoreFailure);

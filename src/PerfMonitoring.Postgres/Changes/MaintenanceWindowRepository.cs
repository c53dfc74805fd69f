using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Reads and writes perf_monitoring.maintenance_schedule, with defaults for missing rows.</summary>
internal sealed class MaintenanceWindowRepository(Database store, ActingUser user)
    : IMaintenanceWindowRepository
{
    public async Task<IReadOnlyList<MaintenanceSchedule>> GetAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Row> rows = [];
        try
        {
            rows = await store.QueryAsync<Row>(
                Sql.Get("GetSchedules"), null, cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.StoreMissing)
        {
            // Without a store the defaults apply.
        }

        var stored = rows.Select(r => r.ToModel()).ToDictionary(s => s.Window);
        return [.. Enum.GetValues<MaintenanceWindow>().Select(w => stored.GetValueOrDefault(w) ?? Default(w))];
    }

    public async Task SetAsync(MaintenanceSchedule schedule, CancellationToken cancellationToken)
    {
        if (FindOpening(schedule, DateTimeOffset.UtcNow) is null)
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidCronExpression, FailureKind.InvalidArgument,
                $"-CronExpression '{schedule.CronExpression}' names no moment that ever comes.",
                "Check day of month and month.", schedule.CronExpression);
        }

        await store.ExecuteAsync(
            Sql.Get("SetSchedule"),
            new
            {
                Window = EnumLabel.Of(schedule.Window),
                schedule.CronExpression,
                DurationSeconds = schedule.Duration.TotalSeconds,
                schedule.TimeZone,
                UserId = await user.GetIdAsync(cancellationToken),
            },
            cancellationToken);
    }

    public WindowOpening? FindOpening(MaintenanceSchedule schedule, DateTimeOffset at) => CronWindow.Find(schedule, at);

    private static MaintenanceSchedule Default(MaintenanceWindow window) => window switch
    {
        MaintenanceWindow.OffPeak => Default(window, "0 1 * * *", TimeSpan.FromHours(5)),
        MaintenanceWindow.Weekend => Default(window, "0 0 * * SAT", TimeSpan.FromHours(48)),
        _ => Default(window, null, TimeSpan.FromHours(window == MaintenanceWindow.Scheduled ? 4 : 0)),
    };

    // The default is the same on every machine, and the Get- cmdlet shows it.
    private static MaintenanceSchedule Default(MaintenanceWindow window, string? cron, TimeSpan duration) =>
        new() { Window = window, CronExpression = cron, Duration = duration, TimeZone = "UTC", IsDefault = true };


    private sealed class Row
    {
        public string MaintenanceWindow { get; init; } = "";
        public string CronExpression { get; init; } = "";
        public double DurationSeconds { get; init; }
        public string TimeZone { get; init; } = "";

        public MaintenanceSchedule ToModel() => new()
        {
            Window = EnumLabel.Parse<MaintenanceWindow>(MaintenanceWindow),
            CronExpression = CronExpression,
            Duration = TimeSpan.FromSeconds(DurationSeconds),
            TimeZone = TimeZone,
        };
    }
}

using System.Collections;
using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Thresholds;

/// <summary>
/// Reads and writes perf_monitoring.performance_threshold. Limits have their natural unit in code and are stored as
/// <see cref="Metric.ToStored"/> converts them.
/// </summary>
internal sealed class ThresholdRepository(Database store, ActingUser user) : IThresholdRepository
{
    public async Task<IReadOnlyList<PerformanceThreshold>> GetAsync(bool includeInactive, CancellationToken cancellationToken) =>
        [.. (await store.QueryAsync<Row>(Sql.Get("GetThresholds"), new { IncludeInactive = includeInactive }, cancellationToken))
            .Select(r => r.ToModel() with { Store = store.Target })];

    public async Task<PerformanceThreshold> AddAsync(PerformanceThreshold threshold, CancellationToken cancellationToken)
    {
        var id = Guid.NewGuid();
        var added = await store.ExecuteAsync(
            Sql.Get("AddThreshold"), await ParametersAsync(id, threshold, cancellationToken), cancellationToken);
        return added == 1
            ? await GetOneAsync(id, cancellationToken)
            : throw new PerfMonitoringException(
                ErrorIds.ThresholdExists, FailureKind.AlreadyExists,
                $"There is an active threshold for "
                    + $"{threshold.MetricType}{(threshold.TableName is null ? "" : " of " + threshold.TableName)} already.",
                "Change it with Set-PerformanceThreshold, or remove it with Remove-PerformanceThreshold.", threshold.MetricType);
    }

    public async Task<PerformanceThreshold> UpdateAsync(PerformanceThreshold threshold, CancellationToken cancellationToken)
    {
        var id = threshold.Id ?? throw new ArgumentException("It is not stored.", nameof(threshold));
        Found(id,
            await store.ExecuteAsync(
                Sql.Get("UpdateThreshold"), await ParametersAsync(id, threshold, cancellationToken), cancellationToken));
        return await GetOneAsync(id, cancellationToken);
    }

    public async Task RemoveAsync(Guid id, CancellationToken cancellationToken) => Found(id, await store.ExecuteAsync(
        Sql.Get("RemoveThreshold"), new { Id = id, UserId = await user.GetIdAsync(cancellationToken) }, cancellationToken));

    private static void Found(Guid id, int rows)
    {
        if (rows == 0)
        {
            throw new PerfMonitoringException(
                ErrorIds.ThresholdNotFound, FailureKind.NotFound, $"There is no active threshold with the id {id}.",
                "Get-PerformanceThreshold lists them.", id);
        }
    }

    private async Task<PerformanceThreshold> GetOneAsync(Guid id, CancellationToken cancellationToken)
    {
        var all = await GetAsync(includeInactive: true, cancellationToken);
        return all.Single(t => t.Id == id);
    }

    private async Task<object> ParametersAsync(Guid id, PerformanceThreshold threshold, CancellationToken cancellationToken)
    {
        var metric = Metric.Of(threshold.MetricType);
        return new
        {
            Id = id,
            MetricType = EnumLabel.Of(threshold.MetricType),
            threshold.TableName,
            Warning = metric.ToStored(threshold.Warning, threshold.Unit),
            Critical = metric.ToStored(threshold.Critical, threshold.Unit),
            Unit = EnumLabel.Of(threshold.Unit),
            threshold.AlertEnabled,
            AlertConfiguration = threshold.AlertConfiguration is { } c ? JsonSerializer.Serialize(c) : null,
            UserId = await user.GetIdAsync(cancellationToken),
        };
    }


    private sealed class Row
    {
        public Guid Id { get; init; }
        public string MetricType { get; init; } = "";
        public string? TableName { get; init; }
        public decimal WarningThreshold { get; init; }
        public decimal CriticalThreshold { get; init; }
        public string ThresholdUnit { get; init; } = "";
        public bool AlertEnabled { get; init; }
        public string? AlertConfiguration { get; init; }
        public string CreatedBy { get; init; } = "";
        public string? UpdatedBy { get; init; }
        public DateTimeOffset CreatedAt { get; init; }
        public DateTimeOffset UpdatedAt { get; init; }
        public bool IsActive { get; init; }

        public PerformanceThreshold ToModel()
        {
            var metric = Metric.Of(EnumLabel.Parse<MetricType>(MetricType));
            var unit = EnumLabel.Parse<ThresholdUnit>(ThresholdUnit);
            return new PerformanceThreshold
            {
                Id = Id,
                MetricType = metric.Type,
                TableName = TableName,
                Warning = metric.ToNatural(WarningThreshold, unit),
                Critical = metric.ToNatural(CriticalThreshold, unit),
                Unit = unit,
                AlertEnabled = AlertEnabled,
                AlertConfiguration = AlertConfiguration is null ? null : Read(AlertConfiguration),
                CreatedBy = CreatedBy,
                UpdatedBy = UpdatedBy,
                CreatedAt = CreatedAt,
                UpdatedAt = UpdatedAt,
                IsActive = IsActive,
            };
        }

        private static AlertConfiguration? Read(string json)
        {
            using var document = JsonDocument.Parse(json);
            return Plain(document.RootElement) is IDictionary values ? new AlertConfiguration(values) : null;
        }

        private static object? Plain(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Object => element.EnumerateObject().ToDictionary(p => p.Name, p => Plain(p.Value)),
            JsonValueKind.Array => element.EnumerateArray().Select(Plain).ToArray(),
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number =>
                element.TryGetInt64(out var whole) ? whole : element.TryGetDecimal(out var exact) ? exact : element.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };
    }
}

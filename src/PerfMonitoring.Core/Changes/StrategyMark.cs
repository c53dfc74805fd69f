using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>The mark of strategies whose index exists.</summary>
internal static class StrategyMark
{
    /// <summary>
    /// Records in the store that an index exists or no longer exists. The strategy of a dropped index is removed; otherwise the
    /// next Invoke-IndexCreation -Pending would create it again. It cannot be cancelled, because the change is already done.
    /// </summary>
    /// <returns>The error that kept the store from being updated, or null.</returns>
    public static Task<PerfMonitoringException?> SetAsync(
        IIndexStrategyRepository strategies, bool isThere, IndexDefinition index) => IndexAudit.MarkAsync(
        async () =>
        {
            try
            {
                var filter = new IndexStrategyFilter {
                    Table = index.Table, IndexName = index.Name, IncludeInactive = true };
                var known = new List<IndexStrategy>();
                await foreach (var strategy in strategies.GetAsync(filter, CancellationToken.None))
                {
                    known.Add(strategy);
                }

                foreach (var strategy in known.Where(s => s.IsCreated != isThere))
                {
                    await strategies.UpdateAsync(
                        strategy.Id, new IndexStrategyChange { IsCreated = isThere, IsActive = isThere }, CancellationToken.None);
                }
            }
            catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.StoreMissing)
            {
                // Without a store there are no strategies.
            }
        },
        $"{index.Name} on {index.Table} is {(isThere ? "there again" : "dropped")}",
        isThere ? "run Update-IndexUsageStat" : "run Remove-IndexStrategy for it",
        index.Name);
}

using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>Checks index definitions that a user writes.</summary>
public interface IDefinitionCheck
{
    /// <summary>
    /// Asks the server whether it would create this index, without creating anything and without a lock that hinders others. With
    /// HypoPG the check is complete. Otherwise it covers whether the keys and the condition can be parsed, have an operator class
    /// and call no function that can never be immutable.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidIndexDefinition.</exception>
    Task CheckAsync(IndexDefinition definition, CancellationToken cancellationToken);
}

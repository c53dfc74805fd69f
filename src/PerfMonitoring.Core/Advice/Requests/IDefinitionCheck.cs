using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>Checks definitions that a person wrote.</summary>
public interface IDefinitionCheck
{
    /// <summary>
    /// Asks the server whether it would make this index, without making anything and without a lock that hinders: with HypoPG
    /// wholly, else whether keys and predicate can be read, have an operator class and call no function that is never immutable.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidIndexDefinition.</exception>
    Task CheckAsync(IndexDefinition definition, CancellationToken cancellationToken);
}

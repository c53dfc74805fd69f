using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Advisor;

/// <summary>
/// What the planner would do with indexes that are not there. One session, not to be used by two at once; disposing it leaves no trace.
/// </summary>
public interface IWhatIf : IAsyncDisposable
{
    /// <summary>How often a statement was planned.</summary>
    int Calls { get; }

    /// <summary>Makes a hypothetical index, for this session only; returns its handle.</summary>
    /// <exception cref="PerfMonitoringException">What the server says against the definition.</exception>
    Task<uint> CreateAsync(IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>Takes a hypothetical index away.</summary>
    Task DropAsync(uint id, CancellationToken cancellationToken);
}

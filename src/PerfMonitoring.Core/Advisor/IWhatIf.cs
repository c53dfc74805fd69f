using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Advisor;

/// <summary>
/// What the planner would do with indexes that are not there. One session, not to be used by two at once; nothing is executed, and
/// disposing it leaves no trace.
/// </summary>
public interface IWhatIf : IAsyncDisposable
{
    /// <summary>Makes a hypothetical index, for this session only; returns its handle, which stands in plans as <c>&lt;handle&gt;name</c>.</summary>
    /// <exception cref="PerfMonitoringException">What the server says against the definition.</exception>
    Task<uint> CreateAsync(IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>Takes a hypothetical index away.</summary>
    Task DropAsync(uint id, CancellationToken cancellationToken);

    /// <summary>The plan of a statement, as EXPLAIN (FORMAT JSON, VERBOSE) writes it; the generic one where the text has parameters.</summary>
    /// <exception cref="PerfMonitoringException">What the server says against the statement.</exception>
    Task<string> ExplainAsync(string statement, CancellationToken cancellationToken);
}

/// <summary>Opens what-if sessions.</summary>
public interface IWhatIfRepository
{
    /// <summary>Opens one on a connection of its own.</summary>
    /// <param name="statementTimeout">The most that planning one statement may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">HypoPgMissing.</exception>
    Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken);
}

using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Advisor;

/// <summary>An index that might help.</summary>
public sealed record Candidate
{
    /// <summary>Number, unique in a run.</summary>
    public required int Id { get; init; }

    /// <summary>The index; its name is not decided yet.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>Expected size on disk in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>What it was made for.</summary>
    public UsagePattern Pattern { get; init; }

    /// <inheritdoc/>
    public bool Equals(Candidate? other) => other?.Id == Id;

    /// <inheritdoc/>
    public override int GetHashCode() => Id;

    /// <inheritdoc/>
    public override string ToString() => Definition.ToAnonymousStatement();
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Messages;

/// <summary>A message or an error of a cmdlet of this process.</summary>
public sealed record PerfMonitoringLogEntry
{
    /// <summary>When it was written.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>How much it matters.</summary>
    public MessageLevel Level { get; init; }

    /// <summary>The cmdlet that wrote it.</summary>
    public string Cmdlet { get; init; } = "";

    /// <summary>The name of the cmdlet's session; null if it has none.</summary>
    public string? Session { get; init; }

    /// <summary>The id of an error; null for other messages.</summary>
    public string? ErrorId { get; init; }

    /// <summary>What it says, on one line. It holds no password and no constant of a statement.</summary>
    public string Message { get; init; } = "";

    /// <inheritdoc/>
    public override string ToString() => ShortText.Of($"{Level} {Cmdlet}: {Message}");
}

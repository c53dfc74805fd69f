using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>How long a build will take, from its size and from how fast builds of this database were.</summary>
/// <param name="SizeBytes">Expected size of the index in bytes; null where unknown.</param>
/// <param name="BytesPerSecond">Index bytes that a second of building made, measured; null where no build was.</param>
public sealed record BuildEstimate(long? SizeBytes, double? BytesPerSecond)
{
    /// <summary>The expected time; null where size or rate is unknown.</summary>
    public TimeSpan? Duration => SizeBytes / BytesPerSecond is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, 1e9)) : null;

    /// <inheritdoc/>
    public override string ToString() => Duration is { } duration
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{duration:d\\.hh\\:mm\\:ss} ({ByteSize.InMegabytes(SizeBytes!.Value)} at {BytesPerSecond / 1048576:0.##} MB/s)")
        : "unknown";
}

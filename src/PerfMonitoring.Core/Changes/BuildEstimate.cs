using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>Expected duration of a build, from its size and the rate of earlier builds in this database.</summary>
/// <param name="SizeBytes">Expected size of the index in bytes; null where unknown.</param>
/// <param name="BytesPerSecond">Measured build rate in bytes of index per second; null where there was no build.</param>
internal sealed record BuildEstimate(long? SizeBytes, double? BytesPerSecond)
{
    /// <summary>The expected duration; null where size or rate is unknown.</summary>
    public TimeSpan? Duration => SizeBytes / BytesPerSecond is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, 1e9)) : null;

    /// <inheritdoc/>
    public override string ToString() => Duration is { } duration
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{duration:d\\.hh\\:mm\\:ss} ({ByteSize.InMegabytes(SizeBytes!.Value)} at {BytesPerSecond / 1048576:0.##} MB/s)")
        : "unknown";
}

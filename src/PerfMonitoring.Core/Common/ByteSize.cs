using System.Globalization;

namespace PerfMonitoring.Common;

/// <summary>Sizes as messages write them.</summary>
internal static class ByteSize
{
    /// <summary>A size in MB of 1,048,576 bytes, with one decimal place where it is not zero.</summary>
    public static string InMegabytes(double bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576:#,0.#} MB");
}

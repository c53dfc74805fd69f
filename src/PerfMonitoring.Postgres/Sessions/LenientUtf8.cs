using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// UTF-8 that reads a byte of another encoding as U+FFFD. An SQL_ASCII database holds any bytes. Catalogs that all databases
/// share (roles, databases, the statements of sessions) hold the bytes of the database that wrote them. The driver's own UTF-8
/// fails at such a byte.
/// </summary>
internal sealed class LenientUtf8 : EncodingProvider
{
    /// <summary>The name by which the driver asks for it.</summary>
    public const string Name = "perf_monitoring_utf8";

    /// <inheritdoc/>
    public override Encoding? GetEncoding(int codepage) => null;

    /// <inheritdoc/>
    public override Encoding? GetEncoding(string name) => GetEncoding(name, EncoderFallback.ExceptionFallback);

    /// <inheritdoc/>
    public override Encoding? GetEncoding(string name, EncoderFallback encoderFallback, DecoderFallback decoderFallback) =>
        GetEncoding(name, encoderFallback);

    private static Encoding? GetEncoding(string name, EncoderFallback encoderFallback) =>
        name == Name ? Encoding.GetEncoding("utf-8", encoderFallback, new DecoderReplacementFallback("\ufffd")) : null;
}

using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Messages;

/// <summary>
/// A file that takes each message as one line of JSON. Several processes may write the same file. A full file is renamed to its
/// name and .1, that one to .2, and so on.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="maximumSize">The size at which the file is full, in bytes.</param>
/// <param name="maximumFiles">How many files are kept, the current one included.</param>
internal sealed class RollingFile(string path, long maximumSize, int maximumFiles)
{
    // A message waits so long for other processes, and after a failure no message waits for a while: the work goes first.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(1);

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly object gate = new();
    private long restsUntil;
    private long missing;

    /// <summary>Appends messages.</summary>
    /// <param name="entry">The message.</param>
    /// <returns>The reason why nothing is written from now on; null if it was written, or the reason was told before.</returns>
    public string? Append(PerfMonitoringLogEntry entry)
    {
        lock (gate)
        {
            if (Environment.TickCount64 < restsUntil)
            {
                missing++;
                return null;
            }

            try
            {
                Write(entry);
                (missing, restsUntil) = (0, 0);
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                missing++;
                var isFirst = restsUntil == 0;
                restsUntil = Environment.TickCount64 + (long)Rest.TotalMilliseconds;
                return isFirst ? e.Message : null;
            }
        }
    }

    private void Write(PerfMonitoringLogEntry entry)
    {
        if (PrivateFile.WhyUnsafe(path) is { } open)
        {
            throw new UnauthorizedAccessException($"{open.Reason} ({open.Remedy}).");
        }

        if (new FileInfo(path).LinkTarget is not null)
        {
            throw new UnauthorizedAccessException($"{path} is a link; name the file that it leads to.");
        }

        using var held = FileLock.Take(path, Patience) ?? throw new IOException($"another process holds {path}.lock.");
        var lines = missing == 0 ? Line(entry) : [.. Line(entry with
        {
            Level = MessageLevel.Warning, ErrorId = null, Cmdlet = "", Session = null,
            Message = string.Create(CultureInfo.InvariantCulture, $"{missing} message(s) before this could not be written here."),
        }), .. Line(entry)];
        var file = new FileInfo(path);
        UnixFileMode? mode = null;
        if (file.Exists && file.Length > 0 && file.Length + lines.Length > maximumSize)
        {
            mode = OperatingSystem.IsWindows() ? null : file.UnixFileMode;
            Roll();
        }

        using var stream = PrivateFile.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        if (mode is { } kept && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, kept);
        }

        // A process that died, or a full disk, leaves half a line.
        if (stream.Length > 0)
        {
            stream.Seek(-1, SeekOrigin.End);
            if (stream.ReadByte() != '\n')
            {
                stream.WriteByte((byte)'\n');
            }
        }

        stream.Write(lines);
    }

    private void Roll()
    {
        File.Delete(Old(maximumFiles - 1));
        for (var number = maximumFiles - 1; number > 0; number--)
        {
            if (File.Exists(Old(number - 1)))
            {
                File.Move(Old(number - 1), Old(number), overwrite: true);
            }
        }
    }

    private string Old(int number) =>
        number == 0 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.{number}");

    private static byte[] Line(PerfMonitoringLogEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteString("time", entry.Time.UtcDateTime);
            json.WriteString("level", entry.Level.ToString());
            json.WriteNumber("process", Environment.ProcessId);
            json.WriteString("cmdlet", entry.Cmdlet);
            json.WriteString("session", entry.Session);
            json.WriteString("errorId", entry.ErrorId);
            json.WriteString("message", entry.Message);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }
}

namespace PerfMonitoring.Common;

/// <summary>
/// The right to change a file, among the threads and processes of a machine. It is a file beside that one, because what holds the
/// right may replace or rename the file itself. The operating system takes the right back when a process dies.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private readonly FileStream holder;

    private FileLock(FileStream holder) => this.holder = holder;

    /// <summary>Waits for the right to change a file.</summary>
    /// <param name="path">The file. Its folder exists.</param>
    /// <param name="patience">How long to wait.</param>
    /// <returns>The right; null if somebody else still has it.</returns>
    /// <exception cref="IOException">The folder or the device fails.</exception>
    /// <exception cref="UnauthorizedAccessException">The user may not write there.</exception>
    public static FileLock? Take(string path, TimeSpan patience)
    {
        var until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FileLock(PrivateFile.Open(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite));
            }
            catch (IOException e) when (IsTaken(e))
            {
                if (Environment.TickCount64 >= until)
                {
                    return null;
                }
            }

            Thread.Sleep(Random.Shared.Next(1, 15));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => holder.Dispose();

    // EWOULDBLOCK of flock, which differs between systems, and Windows' ERROR_SHARING_VIOLATION.
    private static bool IsTaken(IOException e) =>
        e.GetType() == typeof(IOException) && (OperatingSystem.IsWindows() ? e.HResult == unchecked((int)0x80070020)
            : e.HResult is 11 or 35);
}

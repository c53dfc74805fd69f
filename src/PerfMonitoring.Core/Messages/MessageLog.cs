namespace PerfMonitoring.Messages;

/// <summary>The last messages of this process, from all its runspaces.</summary>
internal sealed class MessageLog(int capacity)
{
    /// <summary>How many messages are kept.</summary>
    public const int Capacity = 1_000;

    private readonly PerfMonitoringLogEntry[] ring = new PerfMonitoringLogEntry[capacity];
    private readonly object gate = new();
    private long written;

    /// <summary>The log of this process.</summary>
    public static MessageLog OfProcess { get; } = new(Capacity);

    /// <summary>Adds a message; the oldest one goes where there is no room.</summary>
    public void Add(PerfMonitoringLogEntry entry)
    {
        lock (gate)
        {
            ring[written++ % ring.Length] = entry;
        }
    }

    /// <summary>The messages that are kept, oldest first.</summary>
    public PerfMonitoringLogEntry[] ToArray()
    {
        lock (gate)
        {
            var count = Math.Min(written, ring.Length);
            return [.. Enumerable.Range(0, (int)count).Select(i => ring[(written - count + i) % ring.Length])];
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PerfMonitoring.Testing;

/// <summary>
/// What a <see cref="FaultProxy"/> does to a packet. A packet is what one read of a socket gives, 64 kB at most.
/// </summary>
public enum ProxyFault
{
    /// <summary>It is forwarded.</summary>
    None,

    /// <summary>It is forwarded later.</summary>
    Delay,

    /// <summary>It waits, with all that follows, until the fault is over.</summary>
    Hold,

    /// <summary>
    /// It is lost, with all that follows on the connection; neither side hears of it, not even of the other's end.
    /// </summary>
    Swallow,

    /// <summary>Both sides of the connection are reset.</summary>
    Cut,

    /// <summary>Its first half is forwarded, and then both sides of the connection are reset.</summary>
    CutInHalf,
}

/// <summary>
/// A TCP proxy before a server on loopback, which forwards bytes until it is told to do something else. A fault counts the
/// packets of each connection, in both directions, from the moment that it is set or the connection is made, or those of all
/// connections together; as many as its <c>after</c> still pass.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly int serverPort;
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentDictionary<Link, Task> links = new();
    private readonly Task accepting;
    private volatile Rule rule = new(ProxyFault.None, 0, TimeSpan.Zero, false);
    private volatile bool isRefusing;

    private FaultProxy(int serverPort)
    {
        this.serverPort = serverPort;
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>How many connections are open at this moment.</summary>
    public int ConnectionCount => links.Count;

    /// <summary>
    /// Ends as soon as the present fault has struck a packet. One fault, one task: take it after the fault was set.
    /// </summary>
    public Task Struck => rule.Struck.Task;

    /// <summary>Listens before a server on 127.0.0.1.</summary>
    public static FaultProxy Start(int serverPort) => new(serverPort);

    /// <summary>Forwards again, what was held first. Connections that lost something stay lost.</summary>
    public void Heal() => Set(new Rule(ProxyFault.None, 0, TimeSpan.Zero, false), refuse: false);

    /// <summary>Forwards every packet that much later.</summary>
    public void Delay(TimeSpan time, int after = 0) => Set(new Rule(ProxyFault.Delay, after, time, false), refuse: false);

    /// <summary>Does that to the packets that follow.</summary>
    public void Set(ProxyFault fault, int after = 0) => Set(new Rule(fault, after, TimeSpan.Zero, false), refuse: false);

    /// <summary>
    /// The same, where the packets of all connections count together: the first one after so many is struck, and those that
    /// follow where it is held or delayed.
    /// </summary>
    public void SetForAll(ProxyFault fault, int after) => Set(new Rule(fault, after, TimeSpan.Zero, true), refuse: false);

    /// <summary>How many packets came since the present fault was set with <see cref="SetForAll"/>.</summary>
    public int PacketCount => rule.Total;

    /// <summary>Resets every connection at once, whether something is under way or not; new ones are made.</summary>
    public void CutAll()
    {
        foreach (var link in links.Keys)
        {
            link.Reset();
        }
    }

    /// <summary>Resets every connection, and each new one, until <see cref="Heal"/>: a server that is out of reach.</summary>
    public void Refuse()
    {
        isRefusing = true;
        CutAll();
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        CutAll();
        await accepting;
        await Task.WhenAll(links.Values);
        listener.Dispose();
        ending.Dispose();
    }

    private void Set(Rule next, bool refuse)
    {
        isRefusing = refuse;
        var last = rule;
        rule = next;
        last.Over.TrySetResult();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync(ending.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            var link = new Link(client);
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            links[link] = done.Task;
            _ = Task.Run(async () =>
            {
                try
                {
                    await ServeAsync(link);
                }
                finally
                {
                    link.Reset();
                    links.TryRemove(link, out _);
                    done.SetResult();
                }
            });
        }
    }

    private async Task ServeAsync(Link link)
    {
        if (isRefusing || !await link.ConnectAsync(serverPort, ending.Token))
        {
            return;
        }

        // What one side closes in good order is closed for the other; what breaks, breaks for both.
        await Task.WhenAll(PumpAsync(link, link.Client, link.Server), PumpAsync(link, link.Server, link.Client));
    }

    private async Task PumpAsync(Link link, Socket from, Socket to)
    {
        var buffer = new byte[65536];
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer, ending.Token)) > 0)
            {
                var packet = buffer.AsMemory(0, length);
                switch (await JudgeAsync(link))
                {
                    case ProxyFault.Swallow:
                        break;
                    case ProxyFault.Cut:
                        link.Reset();
                        return;
                    case ProxyFault.CutInHalf:
                        await to.SendAsync(packet[..(length / 2)], ending.Token);
                        // A reset takes along what the other side has not read yet.
                        to.Shutdown(SocketShutdown.Send);
                        await Task.Delay(50, ending.Token);
                        link.Reset();
                        return;
                    default:
                        await to.SendAsync(packet, ending.Token);
                        break;
                }
            }

            if (!link.IsLost)
            {
                to.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            if (!link.IsLost)
            {
                link.Reset();
            }
        }
    }

    // What is to become of the next packet, once it is time.
    private async Task<ProxyFault> JudgeAsync(Link link)
    {
        while (true)
        {
            var current = rule;
            if (link.IsLost)
            {
                return ProxyFault.Swallow;
            }

            var count = current.IsShared ? current.Add() : link.Count(current);
            var isOver = current.IsShared && current.Fault is not (ProxyFault.Hold or ProxyFault.Delay)
                && count > current.After + 1;
            if (current.Fault == ProxyFault.None || count <= current.After || isOver)
            {
                return ProxyFault.None;
            }

            current.Struck.TrySetResult();
            switch (current.Fault)
            {
                case ProxyFault.Hold:
                    await current.Over.Task.WaitAsync(ending.Token);
                    continue;
                case ProxyFault.Delay:
                    await Task.Delay(current.Time, ending.Token);
                    return ProxyFault.None;
                case ProxyFault.Swallow:
                    link.IsLost = true;
                    return ProxyFault.Swallow;
                default:
                    return current.Fault;
            }
        }
    }

    private sealed record Rule(ProxyFault Fault, int After, TimeSpan Time, bool IsShared)
    {
        private int total;

        public int Total => Volatile.Read(ref total);

        public int Add() => Interlocked.Increment(ref total);

        public TaskCompletionSource Struck { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>One connection of a client, and ours to the server that stands for it.</summary>
    private sealed class Link(Socket client)
    {
        private readonly object counting = new();
        private Rule? counted;
        private int count;
        private volatile bool isLost;

        public Socket Client { get; } = client;

        public Socket Server { get; } = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public bool IsLost
        {
            get => isLost;
            set => isLost = value;
        }

        public async Task<bool> ConnectAsync(int port, CancellationToken cancellationToken)
        {
            try
            {
                Client.NoDelay = Server.NoDelay = true;
                await Server.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
                return true;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return false;
            }
        }

        public int Count(Rule rule)
        {
            lock (counting)
            {
                count = counted == rule ? count + 1 : 1;
                counted = rule;
                return count;
            }
        }

        // Without a goodbye: what is unread is thrown away, and the other side gets a reset.
        public void Reset()
        {
            foreach (var socket in new[] { Client, Server })
            {
                try
                {
                    socket.Close(0);
                }
                catch (SocketException)
                {
                    // It is closed all the same.
                }
            }
        }
    }
}

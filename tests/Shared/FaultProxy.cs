using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PerfMonitoring.Testing;

/// <summary>
/// The effect of a <see cref="FaultProxy"/> on a packet. A packet is the result of one read of a socket, 64 kB at most.
/// </summary>
public enum ProxyFault
{
    /// <summary>The packet is forwarded.</summary>
    None,

    /// <summary>The packet is forwarded later.</summary>
    Delay,

    /// <summary>The packet and all later ones wait until the fault is over.</summary>
    Hold,

    /// <summary>
    /// The packet and all later ones on the connection are lost. Neither side notices, not even the other side's end.
    /// </summary>
    Swallow,

    /// <summary>Both sides of the connection are reset.</summary>
    Cut,

    /// <summary>The first half of the packet is forwarded, and then both sides of the connection are reset.</summary>
    CutInHalf,
}

/// <summary>
/// A TCP proxy before a server on loopback. It forwards bytes until a fault is set. A fault counts packets in both directions,
/// from the time when it is set or the connection is made: those of each connection, or those of all together. The first
/// <c>after</c> packets are still forwarded.
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

    /// <summary>The port on 127.0.0.1 for clients.</summary>
    public int Port { get; }

    /// <summary>The number of open connections.</summary>
    public int ConnectionCount => links.Count;

    /// <summary>
    /// Completes as soon as the present fault has struck a packet. Each fault has a new task: read it after the fault was set.
    /// </summary>
    public Task Struck => rule.Struck.Task;

    /// <summary>Starts to listen before a server on 127.0.0.1.</summary>
    public static FaultProxy Start(int serverPort) => new(serverPort);

    /// <summary>Forwards again, beginning with held packets. Connections that lost packets stay lost.</summary>
    public void Heal() => Set(new Rule(ProxyFault.None, 0, TimeSpan.Zero, false), refuse: false);

    /// <summary>Delays every packet by this time.</summary>
    public void Delay(TimeSpan time, int after = 0) => Set(new Rule(ProxyFault.Delay, after, time, false), refuse: false);

    /// <summary>Applies a fault to the following packets.</summary>
    public void Set(ProxyFault fault, int after = 0) => Set(new Rule(fault, after, TimeSpan.Zero, false), refuse: false);

    /// <summary>
    /// Applies a fault, with one count for the packets of all connections. The first packet after this number is struck; Hold and
    /// Delay also apply to the packets that follow.
    /// </summary>
    public void SetForAll(ProxyFault fault, int after) => Set(new Rule(fault, after, TimeSpan.Zero, true), refuse: false);

    /// <summary>The number of packets since the present fault was set with <see cref="SetForAll"/>.</summary>
    public int PacketCount => rule.Total;

    /// <summary>Resets every connection at once, whether it is in use or not; new connections are accepted.</summary>
    public void CutAll()
    {
        foreach (var link in links.Keys)
        {
            link.Reset();
        }
    }

    /// <summary>
    /// Resets every connection, and each new one, until <see cref="Heal"/>. It imitates a server that is out of reach.
    /// </summary>
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

        // An orderly close of one side is passed on to the other; a broken connection is broken for both.
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
                        // A reset would discard data that the other side has not read.
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

    // Decides what happens to the next packet, when its time has come.
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

    /// <summary>A client's connection, and the proxy's matching connection to the server.</summary>
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

        // An abrupt close: unread data is discarded, and the other side gets a reset.
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
                    // The socket is closed in any case.
                }
            }
        }
    }
}

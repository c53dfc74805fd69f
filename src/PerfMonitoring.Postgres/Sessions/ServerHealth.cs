using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// What this process knows about the answers of a server, so that many sessions do not all wait for a server that is gone. A
/// server that let a connection attempt run out of time rests; after that, and after a statement without an answer, one small
/// question decides for all that wait. A refused connection costs no time, so it changes nothing.
/// </summary>
/// <param name="host">The host that the driver connects to.</param>
/// <param name="port">The TCP port.</param>
internal sealed class ServerHealth(string host, int port)
{
    // Long enough for a command over many sessions, and short enough for a person who has started the server again.
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(30);

    private static readonly ConcurrentDictionary<(string Host, int Port), ServerHealth> All = new();

    // The first message of a client that asks for TLS; every server and every pooler answers it with one byte.
    private static readonly byte[] Question = [0, 0, 0, 8, 4, 210, 22, 47];

    private readonly object gate = new();
    private bool isSuspect;
    private DateTimeOffset restsUntil;
    private DateTimeOffset silentSince;
    private Task<bool>? answer;

    /// <summary>A server by its address; null for a socket of this machine.</summary>
    public static ServerHealth? Of(ServerAddress server) => server.IsSocket
        ? null : All.GetOrAdd((server.Target.Trim('[', ']').ToLowerInvariant(), server.Port), k => new(k.Host, k.Port));

    /// <summary>Whether a failure means that the server let a connection attempt run out of time.</summary>
    public static bool IsSilence(Exception e) => e switch
    {
        SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.HostUnreachable or SocketError.HostDown } => true,
        TimeoutException => true,
        _ => !e.Message.Contains("connection pool has been exhausted", StringComparison.Ordinal)
            && e.InnerException is { } inner && IsSilence(inner),
    };

    /// <summary>Waits until it is known whether the server answers; returns at once for a server without a blemish.</summary>
    /// <param name="address">Server and database, for the message.</param>
    /// <param name="limit">The limit of a connection attempt.</param>
    /// <param name="cancellationToken">Cancels the wait, and no question that others wait for.</param>
    /// <exception cref="PerfMonitoringException">ServerDown.</exception>
    public async Task EnterAsync(string address, TimeSpan limit, CancellationToken cancellationToken)
    {
        Task<bool> asked;
        lock (gate)
        {
            if (!isSuspect)
            {
                return;
            }

            if (DateTimeOffset.UtcNow < restsUntil)
            {
                throw Down(address);
            }

            asked = answer ??= Task.Run(() => AskAsync(limit), CancellationToken.None);
        }

        if (!await asked.WaitAsync(cancellationToken))
        {
            throw Down(address);
        }
    }

    /// <summary>A statement had no answer: before the next one, the server is asked whether it is there.</summary>
    public void Suspect()
    {
        lock (gate)
        {
            if (!isSuspect)
            {
                (isSuspect, silentSince) = (true, DateTimeOffset.UtcNow);
            }
        }
    }

    /// <summary>A connection attempt had no answer: for twice its limit, at most 30 s, nobody waits for the server.</summary>
    public void Rest(TimeSpan limit)
    {
        lock (gate)
        {
            var now = DateTimeOffset.UtcNow;
            silentSince = isSuspect ? silentSince : now;
            isSuspect = true;
            restsUntil = now + (2 * limit < LongestRest ? 2 * limit : LongestRest);
        }
    }

    private async Task<bool> AskAsync(TimeSpan limit)
    {
        var isThere = true;
        using var client = new TcpClient();
        using var end = new CancellationTokenSource(limit);
        try
        {
            await client.ConnectAsync(host, port, end.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(Question, end.Token);
            await stream.ReadExactlyAsync(new byte[1], end.Token);
        }
        catch (OperationCanceledException)
        {
            isThere = false;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // A refusal is an answer, and the connection attempt itself says more about it.
            isThere = !IsSilence(e);
        }

        lock (gate)
        {
            answer = null;
            isSuspect = !isThere;
        }

        if (!isThere)
        {
            Rest(limit);
        }

        return isThere;
    }

    private PerfMonitoringException Down(string address)
    {
        DateTimeOffset since, until;
        lock (gate)
        {
            (since, until) = (silentSince, restsUntil);
        }

        var wait = Math.Max(1, (int)Math.Ceiling((until - DateTimeOffset.UtcNow).TotalSeconds));
        return new PerfMonitoringException(
            ErrorIds.ServerDown, FailureKind.ConnectionFailed,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{address} has not answered since {since.ToLocalTime():HH:mm:ss}, so it is not waited for again; the next try "
                    + $"is made in {wait} s."),
            "Check that the server runs and the network lets its answers through; then run the command again.", address);
    }
}

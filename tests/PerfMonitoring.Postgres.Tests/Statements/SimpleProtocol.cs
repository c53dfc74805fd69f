using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Postgres.Statements;

/// <summary>The server's answer to a text that is sent unchanged.</summary>
/// <param name="Results">The rows of each executed statement, as text.</param>
/// <param name="SqlState">The SQLSTATE of the error that ended it, or null.</param>
/// <param name="Message">The server's message, or null.</param>
internal sealed record ServerAnswer(IReadOnlyList<string> Results, string? SqlState, string? Message);

/// <summary>PostgreSQL's simple query protocol: the server splits the text itself, and no driver changes it.</summary>
internal sealed class SimpleProtocol : IDisposable
{
    private readonly TcpClient client = new();
    private readonly BufferedStream stream;

    public SimpleProtocol(PostgresCluster cluster, string database)
    {
        client.NoDelay = true;
        client.Connect(PostgresCluster.HostName, cluster.Port);
        stream = new BufferedStream(client.GetStream());
        byte[] startup = [
            0, 3, 0, 0,
            .. Encoding.UTF8.GetBytes($"user\0{PostgresCluster.UserName}\0database\0{database}\0client_encoding\0UTF8\0\0")];
        Send([], startup);
        Read();
    }

    public ServerAnswer Query(string text)
    {
        Send("Q"u8, [.. Encoding.UTF8.GetBytes(text), 0]);
        return Read();
    }

    public void Dispose()
    {
        stream.Dispose();
        client.Dispose();
    }

    private void Send(ReadOnlySpan<byte> type, ReadOnlySpan<byte> body)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length + 4);
        stream.Write([.. type, .. length, .. body]);
        stream.Flush();
    }

    private ServerAnswer Read()
    {
        var results = new List<string>();
        var rows = new StringBuilder();
        string? sqlState = null, message = null;
        var header = new byte[5];
        while (true)
        {
            stream.ReadExactly(header);
            var body = new byte[BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(1)) - 4];
            stream.ReadExactly(body);
            switch ((char)header[0])
            {
                case 'T' or 'D':
                    rows.Append(Encoding.UTF8.GetString(body)).Append('\n');
                    break;
                case 'C':
                    results.Add(rows.ToString());
                    rows.Clear();
                    break;
                case 'E':
                    var fields = Encoding.UTF8.GetString(body).Split('\0').Where(f => f.Length > 0)
                        .ToDictionary(f => f[0], f => f[1..]);
                    (sqlState, message) = (fields['C'], fields['M']);
                    break;
                case 'Z':
                    return new ServerAnswer(results, sqlState, message);
            }
        }
    }
}

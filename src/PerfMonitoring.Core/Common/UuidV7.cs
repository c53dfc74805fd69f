using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PerfMonitoring.Common;

/// <summary>Creates UUIDs of version 7 (RFC 9562, 5.7) for one moment, each greater than the previous one.</summary>
/// <param name="moment">The moment in the UUIDs.</param>
internal sealed class UuidV7(DateTimeOffset moment)
{
    private readonly long milliseconds = moment.ToUnixTimeMilliseconds();
    private int counter;

    /// <summary>The next UUID. One moment has 2^26 of them.</summary>
    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes[10..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16);
        // The 12 bits after the version and the 14 bits after the variant are a counter. The rest is random, so that other
        // generators of the same moment differ.
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)(0x7000 | ((counter >> 14) & 0xfff)));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)(0x8000 | (counter & 0x3fff)));
        counter++;
        return new Guid(bytes, bigEndian: true);
    }
}

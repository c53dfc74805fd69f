using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PerfMonitoring.Common;

/// <summary>Makes UUIDs of version 7 (RFC 9562, 5.7) for one moment, each greater than the one before.</summary>
/// <param name="moment">The moment that they stand for.</param>
public sealed class UuidV7(DateTimeOffset moment)
{
    private readonly long milliseconds = moment.ToUnixTimeMilliseconds();
    private int counter;

    /// <summary>The next one. There are 2^26 for one moment.</summary>
    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes[10..]);
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << 16);
        // 12 bits after the version and 14 after the variant count; the rest is random, for others of the same moment.
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)(0x7000 | ((counter >> 14) & 0xfff)));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)(0x8000 | (counter & 0x3fff)));
        counter++;
        return new Guid(bytes, bigEndian: true);
    }
}

using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

/// <summary>The names of the store's schemas. They need no quotes.</summary>
public static partial class StoreSchema
{
    /// <summary>
    /// The schema of the store in the monitored database. In a store for many it holds the list of the monitored databases.
    /// </summary>
    public const string Own = "perf_monitoring";

    // Bytes of a PostgreSQL identifier.
    private const int MaximumLength = 63;

    /// <summary>Whether a schema is one of the module's own, which advice and statistics leave out.</summary>
    public static bool IsStore(string? schema) => schema is not null && Pattern().IsMatch(schema);

    /// <summary>
    /// The schema of a monitored database in a store for many: <c>perf_monitoring_shop_1a2b3c4d</c>. The digits are the first of
    /// the SHA-256 of the identity.
    /// </summary>
    /// <param name="target">The database.</param>
    /// <param name="copy">The number of the copy; 0 for the first database of an identity.</param>
    /// <param name="attempt">Counts up while another database has the name.</param>
    public static string NameOf(ServerTarget target, int copy = 0, int attempt = 0) =>
        NameOf(target.Database, target.Identity ?? $"{target.HostName}:{target.Port}/{target.DatabaseOid}", copy, attempt);

    /// <summary>The schema for a database name and any text that identifies the database.</summary>
    public static string NameOf(string database, string identity, int copy = 0, int attempt = 0)
    {
        var salted = string.Create(
            CultureInfo.InvariantCulture, $"{identity}{(copy == 0 && attempt == 0 ? "" : $"#{copy}.{attempt}")}");
        var digits = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(salted)))
            .ToString("x8", CultureInfo.InvariantCulture);
        var name = Unsafe().Replace(database.ToLowerInvariant(), "_");
        return $"{Own}_{name[..Math.Min(name.Length, MaximumLength - Own.Length - 2 - digits.Length)]}_{digits}";
    }

    [GeneratedRegex("^perf_monitoring(_.*_[0-9a-f]{8})?$")]
    private static partial Regex Pattern();

    [GeneratedRegex("[^a-z0-9_]")]
    private static partial Regex Unsafe();
}

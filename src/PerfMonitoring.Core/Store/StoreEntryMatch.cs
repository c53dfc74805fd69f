using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>What tells a server from a physical copy of it.</summary>
/// <param name="StartedAt">When it was started.</param>
/// <param name="IsInRecovery">Whether it is a standby.</param>
/// <param name="Timeline">The timeline of its write-ahead log; null in recovery. A promotion raises it.</param>
internal sealed record ServerInstance(DateTimeOffset StartedAt, bool IsInRecovery, int? Timeline);

/// <summary>How a database relates to the entries of a store.</summary>
public enum StoreEntryIdentity
{
    /// <summary>The store judges by what it saw before.</summary>
    Auto,

    /// <summary>It is the database of the entry, under another address, after a move or an upgrade.</summary>
    Same,

    /// <summary>It is a copy of the database of the entry, and gets an entry of its own.</summary>
    Copy,
}

/// <summary>The entry of a database in a store for many, or the number of the copy that it is.</summary>
/// <param name="Entry">The entry; null for a database that is not registered.</param>
/// <param name="Copy">The number that an entry for it gets.</param>
/// <param name="Note">What the user should know: a copy, a failover; null for nothing.</param>
internal sealed record StoreEntryMatch(StoreEntry? Entry, int Copy, string? Note)
{
    /// <summary>Finds the entry of a database.</summary>
    /// <remarks>
    /// A physical copy (a base backup, a snapshot of the disk) has the system identifier and the object identifiers of its
    /// original. The same start of the server, or an address under which the entry was seen, is the same server. Elsewhere a
    /// higher timeline is a standby that was promoted, and any other timeline is a copy. A restore to a point in time raises the
    /// timeline, too, and cannot be told from a promotion, so the note asks.
    /// </remarks>
    public static StoreEntryMatch Of(
        ServerTarget target, ServerInstance instance, IReadOnlyList<StoreEntry> entries,
        StoreEntryIdentity judgement = StoreEntryIdentity.Auto)
    {
        var address = AddressOf(target);
        var here = entries.Where(e => e.Addresses.Contains(address) && IsNamed(e, target)).ToList();
        if (target.SystemIdentifier is null)
        {
            // The address is all that identifies a database whose role may not read the system identifier.
            return new(Latest(here), 0, null);
        }

        var known = entries.Where(e => e.SystemIdentifier == target.SystemIdentifier && IsNamed(e, target)).ToList();
        var copies = known.Count == 0 ? 0 : known.Max(e => e.Copy) + 1;
        if (judgement == StoreEntryIdentity.Copy)
        {
            return new(known.Find(e => e.ServerStartedAt == instance.StartedAt && e.Copy > 0), copies, null);
        }

        if (known.Count == 0)
        {
            // An entry from a role that could not read the identifier, or, if the user says so, from before pg_upgrade.
            return new(Latest(here.Where(e => e.SystemIdentifier is null || judgement == StoreEntryIdentity.Same)), 0, null);
        }

        var same = known.Find(e => e.ServerStartedAt == instance.StartedAt)
            ?? Latest(known.Where(e => e.Addresses.Contains(address)))
            ?? Latest(known.Where(e => e.ServerStartedAt is null));
        if (same is not null || instance.IsInRecovery || judgement == StoreEntryIdentity.Same)
        {
            // A standby that was never seen is more likely of the original than of a copy.
            return new(same ?? (instance.IsInRecovery ? known.MinBy(e => e.Copy) : Latest(known)), copies, null);
        }

        var promoted = known.Where(e => e.Timeline < instance.Timeline)
            .OrderByDescending(e => e.Timeline).ThenBy(e => e.Copy).FirstOrDefault();
        var last = promoted ?? Latest(known)!;
        var seen = last.SeenAt?.ToUniversalTime().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
        return promoted is not null
            ? new(promoted, copies,
                $"{target} is taken for {promoted} (seen {seen}) after a failover: its timeline went from {promoted.Timeline} to "
                    + $"{instance.Timeline}. If it is a restored copy, run Initialize-PerfMonitoringStore -Identity Copy.")
            : new(null, copies,
                $"{target} has the identity of {last} (seen {seen}), is another server and was not promoted, so it is taken for "
                    + $"a copy and has an entry of its own. If it is the same database at a new address, run "
                    + $"Initialize-PerfMonitoringStore -Identity Same.");
    }

    /// <summary>The address of a database as entries keep it.</summary>
    public static string AddressOf(ServerTarget target) =>
        string.Create(CultureInfo.InvariantCulture, $"{target.HostName.ToLowerInvariant()}:{target.Port}");

    private static bool IsNamed(StoreEntry entry, ServerTarget target) =>
        entry.DatabaseOid is { } oid ? oid == target.DatabaseOid : entry.Database == target.Database;

    private static StoreEntry? Latest(IEnumerable<StoreEntry> entries) => entries.MaxBy(e => e.SeenAt ?? e.RegisteredAt);
}

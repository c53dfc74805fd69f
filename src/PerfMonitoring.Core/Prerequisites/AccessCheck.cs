using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Store;

namespace PerfMonitoring.Prerequisites;

/// <summary>Which of the <see cref="AccessRights"/> the roles of a session have, and the grants for the missing ones.</summary>
internal static class AccessCheck
{
    // From this version on, each membership decides whether its rights are inherited.
    private const int GrantsWithInherit = 16;

    /// <summary>The grants that a cmdlet lacks, in one line; null where none is known.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="cmdlet">Name of the cmdlet that the server refused.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<string?> FindRemedyAsync(
        IMonitoringConnection connection, string cmdlet, CancellationToken cancellationToken)
    {
        var needed = AccessRights.All.Where(r => r.Cmdlets.Contains(cmdlet)).Select(r => r.Name).ToHashSet();
        try
        {
            var remedies = (await RunAsync(connection, cancellationToken))
                .Where(r => needed.Contains(r.Name) && r is { State: PrerequisiteState.Denied, Remedy: not null })
                .Select(r => r.Remedy!)
                .ToList();
            return remedies.Count == 0 ? null : string.Join(' ', remedies);
        }
        catch (PerfMonitoringException)
        {
            // The user needs the refusal itself, not the failure to explain it.
            return null;
        }
    }

    /// <summary>A result for each right that can be judged, and for the store itself.</summary>
    internal static async Task<IReadOnlyList<PrerequisiteResult>> RunAsync(
        IMonitoringConnection connection, CancellationToken cancellationToken)
    {
        var repository = connection.Prerequisites;
        var extensions = await Fact.OfAsync(
            t => repository.GetExtensionsAsync([PrerequisiteCheck.StatementStatistics, PrerequisiteCheck.HypotheticalIndexes], t),
            cancellationToken);
        var monitored = new Place(connection.Target, connection.UserName, extensions);
        var rights = await Fact.OfAsync(repository.GetRightsAsync, cancellationToken);
        var missing = await MissingAsync(repository, monitored, ofStore: false, cancellationToken);
        var results = JudgeMonitored(monitored, extensions, rights, missing).ToList();

        var storeRights = await Fact.OfAsync(repository.GetStoreRightsAsync, cancellationToken);
        var schema = await Fact.OfAsync(
            async t => await connection.Store.FindSchemaAsync(t) ?? StoreSchema.Own, cancellationToken);
        var store = new Place(
            connection.StoreTarget, storeRights.IsKnown ? storeRights.Value.UserName : "", extensions,
            schema.IsKnown ? schema.Value : StoreSchema.Own);
        var pending = await Fact.OfAsync(connection.Store.GetPendingAsync, cancellationToken);
        var missingOfStore = await MissingAsync(repository, store, ofStore: true, cancellationToken);
        results.AddRange(JudgeStore(store, pending, storeRights, missingOfStore));
        return results;
    }

    internal static IEnumerable<PrerequisiteResult> JudgeMonitored(
        Place place, Fact<IReadOnlyList<ExtensionFacts>> extensions, Fact<RightFacts> rights,
        Fact<IReadOnlyList<AccessGrant>> missing)
    {
        var check = new PrerequisiteMaker(place.Target);
        var inherits = !rights.IsKnown || rights.Value.Inherits;
        foreach (var right in AccessRights.All.Where(r => !r.IsOfStore && r.Name != "Connect"))
        {
            switch (right.Name)
            {
                case "pg_stat_statements readable":
                    yield return check.From(
                        right.Name, PrerequisiteCategory.Right, right.Enables, missing,
                        m => !place.Has(PrerequisiteCheck.StatementStatistics)
                            ? (PrerequisiteState.Unknown, "the extension is not created here", null)
                            : Lacking(right, m, place, inherits) is { State: not PrerequisiteState.Ok } denied ? denied
                            : !rights.IsKnown ? (rights.State, rights.Reason, null)
                            : rights.Value.ReadsAllStatistics ? (PrerequisiteState.Ok, "all roles", null)
                            : (PrerequisiteState.Denied, "own statements only", Membership("pg_read_all_stats", place, inherits)),
                        required: true);
                    break;
                case "hypopg usable" when !place.Has(PrerequisiteCheck.HypotheticalIndexes):
                    break;
                case "Plan the workload":
                    yield return check.From(
                        right.Name, PrerequisiteCategory.Right, right.Enables, rights, r => Readable(r, place));
                    break;
                case "Create indexes":
                    yield return check.From(
                        right.Name, PrerequisiteCategory.Right, right.Enables, rights, r => Indexable(r, place));
                    break;
                default:
                    yield return check.From(
                        right.Name, PrerequisiteCategory.Right, right.Enables, missing, m => Lacking(right, m, place, inherits));
                    break;
            }
        }
    }

    internal static IEnumerable<PrerequisiteResult> JudgeStore(
        Place place, Fact<IReadOnlyList<StoreMigration>> pending, Fact<StoreRightFacts> rights,
        Fact<IReadOnlyList<AccessGrant>> missing)
    {
        var check = new PrerequisiteMaker(place.Target);
        var inherits = !rights.IsKnown || rights.Value.Inherits;
        var owner = rights.IsKnown ? rights.Value.Owner : null;
        var isForeign = owner is not null && !rights.Value.IsOwner;
        var store = check.From(
            "Store", PrerequisiteCategory.Store, "Strategies, history and thresholds that outlive the session.", pending,
            p => p.Count == 0
                ? (PrerequisiteState.Ok, "at this version", null)
                : (PrerequisiteState.Missing,
                    string.Create(CultureInfo.InvariantCulture, $"lacks {p.Count} migration(s), {p[0].Name} first"),
                    isForeign
                        ? $"Initialize-PerfMonitoringStore, as {Identifier.Quote(owner!)}, who owns the schema"
                        : "Initialize-PerfMonitoringStore"));
        yield return store.State == PrerequisiteState.Denied && missing.IsKnown
            ? store with { Remedy = Lacking(AccessRights.Of("Read the store"), missing.Value, place, inherits).Remedy }
            : store;
        if (!isForeign)
        {
            var create = AccessRights.Of("Create the store");
            yield return check.From(
                create.Name, PrerequisiteCategory.Right, create.Enables, missing, m =>
                    owner is not null ? Granted() : Lacking(create, m, place, inherits));
        }

        // Without a store there is no object for rights.
        foreach (var right in AccessRights.All.Where(r => r.IsOfStore && r.Roles != AccessRole.None && owner is not null))
        {
            yield return check.From(
                right.Name, PrerequisiteCategory.Right, right.Enables, missing, m => Lacking(right, m, place, inherits));
        }
    }

    private static Task<Fact<IReadOnlyList<AccessGrant>>> MissingAsync(
        IPrerequisiteRepository repository, Place place, bool ofStore, CancellationToken cancellationToken) => Fact.OfAsync(
            t => repository.GetMissingGrantsAsync(
                [.. AccessRights.All.Where(r => r.IsOfStore == ofStore).SelectMany(place.Grants).Distinct()], ofStore, t),
            cancellationToken);

    private static (PrerequisiteState State, string? Value, string? Remedy) Lacking(
        AccessRight right, IReadOnlyList<AccessGrant> missing, Place place, bool inherits)
    {
        var lacking = place.Grants(right)
            .Where(g => missing.Any(m => IsSame(m, g)))
            .Select(g => g with { Privileges = Needed(g, missing.Where(m => IsSame(m, g))) })
            .Where(g => g.Privileges.Length > 0 || g.Kind == GrantKind.Role)
            .ToList();
        return lacking.Count == 0
            ? Granted()
            : (PrerequisiteState.Denied,
                lacking.Count == place.Grants(right).Count()
                    ? "not granted" : string.Create(CultureInfo.InvariantCulture, $"{lacking.Count} grant(s) short"),
                string.Join(
                    ' ', lacking.Select(
                        g => g.Kind == GrantKind.Role ? Membership(g.Name, place, inherits) : g.ToSql(place.UserName))));
    }

    private static bool IsSame(AccessGrant one, AccessGrant other) =>
        one.Kind == other.Kind && one.Schema == other.Schema && one.Name == other.Name;

    // A table can be in several rights with different privileges; the result has only the missing privileges of this right.
    private static string Needed(AccessGrant grant, IEnumerable<AccessGrant> missing) =>
        string.Join(", ", grant.Privileges.Split(", ").Intersect(missing.SelectMany(m => m.Privileges.Split(", "))));

    private static (PrerequisiteState State, string? Value, string? Remedy) Granted() => (PrerequisiteState.Ok, "granted", null);

    private static (PrerequisiteState State, string? Value, string? Remedy) Readable(RightFacts rights, Place place)
    {
        var value = string.Create(
            CultureInfo.InvariantCulture, $"{rights.ReadableRelations} of {rights.Relations} tables and views readable");
        return rights.ReadableRelations == rights.Relations
            ? (PrerequisiteState.Ok, value, null)
            : (PrerequisiteState.Denied, value, string.Join(' ', rights.UnreadableSchemas
                .SelectMany(s => AccessRights.Of("Plan the workload").Grants.Select(g => g with { Schema = s }))
                .Select(g => g.ToSql(place.UserName))));
    }

    private static (PrerequisiteState State, string? Value, string? Remedy) Indexable(RightFacts rights, Place place)
    {
        var value = string.Create(CultureInfo.InvariantCulture, $"on {rights.IndexableTables} of {rights.Tables} tables");
        if (rights.IndexableTables == rights.Tables)
        {
            return (PrerequisiteState.Ok, value, null);
        }

        var grants = rights.OtherOwners.Select(o => Membership(o, place, rights.Inherits))
            .Concat(rights.ClosedSchemas.Select(s => new AccessGrant(GrantKind.Schema, s, "", "create").ToSql(place.UserName)))
            .ToList();
        // The rights of a superuser are too many to grant to anybody.
        return (PrerequisiteState.Denied, value, grants.Count > 0
            ? string.Join(' ', grants)
            : $"Give the tables of {string.Join(", ", rights.SuperOwners.Select(Identifier.Quote))} to a role without "
                + $"superuser rights: alter table ... owner to ...;");
    }

    private static string Membership(string role, Place place, bool inherits)
    {
        var grant = new AccessGrant(GrantKind.Role, "", role, "").ToSql(place.UserName);
        return place.Target.MajorVersion >= GrantsWithInherit ? grant[..^1] + " with inherit true;"
            : inherits ? grant
            : $"{grant} alter role {Identifier.Quote(place.UserName)} inherit;";
    }

    /// <summary>A database, the role of the connection, and the schemas of the extensions.</summary>
    internal sealed class Place(
        ServerTarget target, string userName, Fact<IReadOnlyList<ExtensionFacts>> extensions,
        string storeSchema = StoreSchema.Own)
    {
        public ServerTarget Target => target;

        public string UserName => userName;

        public bool Has(string extension) => SchemaOf(extension) is not null;

        /// <summary>
        /// The grants of a right with the names in this database; without grants of a missing extension or of objects whose name
        /// is unknown.
        /// </summary>
        public IEnumerable<AccessGrant> Grants(AccessRight right) =>
            from grant in right.Grants
            let schema = Named(grant.Schema)
            let name = Named(grant.Name)
            where schema is not null && name is not null
            select grant with { Schema = schema, Name = name };

        private string? Named(string name) => name switch
        {
            AccessRights.Database => target.Database,
            AccessRights.StatementsSchema => SchemaOf(PrerequisiteCheck.StatementStatistics),
            AccessRights.HypoPgSchema => SchemaOf(PrerequisiteCheck.HypotheticalIndexes),
            AccessRights.Store => storeSchema,
            AccessRights.ApplicationSchema or AccessRights.ApplicationOwner => null,
            _ => name,
        };

        private string? SchemaOf(string extension) =>
            extensions.IsKnown
                ? extensions.Value.FirstOrDefault(e => e.Name == extension && e.InstalledVersion is not null)?.Schema : null;
    }
}

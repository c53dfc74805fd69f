using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>
/// An object of the pipeline that is not a record of this session: from Import-Clixml, Import-Csv, ConvertFrom-Json, a job or
/// Select-Object. It is read by the names of its properties. It expresses a wish and proves nothing, so a cmdlet that changes
/// something reads the facts again.
/// </summary>
/// <param name="item">The object.</param>
/// <param name="what">The expected kind of object, with its article: "an index strategy".</param>
/// <param name="remedy">The object to pass instead, as a sentence.</param>
internal sealed class PipelineObject(PSObject item, string what, string remedy)
{
    // The remains of a list in JSON beyond its depth, and of one that is no ItemList in CSV.
    private static readonly string[] LostLists = ["System.Object[]", "System.String[]"];

    private string Name => Text("IndexName") is { } index ? $"Index {index}" : $"The object, which should be {what},";

    /// <summary>Whether the object names its database.</summary>
    public bool HasTarget =>
        Has("Target") || Has("DatabaseIdentity") || Has("SystemIdentifier") || Has("DatabaseOid")
            || (Has("HostName") && Has("Database"));

    /// <summary>Checks that a record of this module belongs to a database.</summary>
    /// <exception cref="PerfMonitoringException">ObjectIncomplete, OtherDatabase.</exception>
    public static void Check(ServerTarget? target, ServerTarget ours, string name, object item)
    {
        if (target is null)
        {
            throw Errors.ObjectIncomplete(
                $"{name} has no target: it does not say which database it is of.", "Pipe what a cmdlet of PerfMonitoring wrote.",
                item);
        }

        if (!target.IsSameDatabaseAs(ours))
        {
            throw Errors.OtherDatabase(name, target, ours, item);
        }
    }

    /// <summary>Whether the object has the property, even if it is empty.</summary>
    public bool Declares(string property) =>
        item.BaseObject is IDictionary table ? KeyOf(table, property) is not null : item.Properties[property] is not null;

    /// <summary>Whether the object has the property and it is not empty.</summary>
    public bool Has(string property) => Raw(item, property) is not null;

    /// <summary>
    /// Checks that the object provably belongs to a database, by the identity of the cluster. The address is not enough: in a
    /// file from another machine it may mean another server.
    /// </summary>
    /// <param name="ours">The database.</param>
    /// <param name="property">The property that holds the target: Target or Store.</param>
    /// <param name="identity">The property that holds its <see cref="ServerTarget.Identity"/>.</param>
    /// <exception cref="PerfMonitoringException">OtherDatabase, ObjectIncomplete, ObjectUnreadable, DatabaseUnproven.</exception>
    public void MustBeOf(ServerTarget ours, string property = "Target", string identity = "DatabaseIdentity")
    {
        if (Refuse(ours, property, identity) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>
    /// Whether the object says that it is of a database, or of the database of a store; null if it says neither. An object that
    /// says so and does not prove it counts.
    /// </summary>
    public bool? IsOf(ServerTarget ours, ServerTarget store)
    {
        try
        {
            return HasTarget ? IsAccepted(Refuse(ours, "Target", "DatabaseIdentity"))
                : Has("Store") || Has("StoreIdentity") ? IsAccepted(Refuse(store, "Store", "StoreIdentity"))
                : null;
        }
        catch (PerfMonitoringException)
        {
            // The cmdlet says what it cannot read, on any session.
            return true;
        }

        static bool IsAccepted(PerfMonitoringException? refusal) => refusal?.ErrorId != ErrorIds.OtherDatabase;
    }

    /// <summary>The error for an object that is of none of the databases of some sessions.</summary>
    public PerfMonitoringException OfNone(IReadOnlyList<string> sessions) =>
        Errors.OtherDatabase(Name, Text("Target") ?? Text("DatabaseIdentity") ?? Text("Store") ?? "another database",
            sessions, item);

    // Null if the object is proven to be of the database.
    private PerfMonitoringException? Refuse(ServerTarget ours, string property, string identity)
    {
        var target = Raw(item, property);
        if (target is ServerTarget live)
        {
            return live.IsSameDatabaseAs(ours) ? null : Errors.OtherDatabase(Name, live, ours, item);
        }

        // Clixml and JSON nest the target, Select-Object makes it flat, and CSV and jobs make it a text.
        var text = target as string;
        var holder = target is null or string ? item : PSObject.AsPSObject(target);
        var (cluster, oid) = (Convert<long>(holder, "SystemIdentifier"), Convert<uint>(holder, "DatabaseOid"));
        var (host, port, database) = (
            TextOf(Raw(holder, "HostName")), Convert<int>(holder, "Port"), TextOf(Raw(holder, "Database")));
        var known = Text(identity);
        var shown = text ?? (host is null ? known ?? $"{cluster}/{oid}" : $"{host}:{port}/{database}");
        if ((known is not null && ours.Identity is { } mine && known != mine)
            || (cluster is not null && ours.SystemIdentifier is not null && cluster != ours.SystemIdentifier)
            || (oid is not null and not 0 && oid != ours.DatabaseOid)
            || (database is not null && database != ours.Database)
            || (text is not null && !text.EndsWith("/" + ours.Database, StringComparison.Ordinal)))
        {
            return Errors.OtherDatabase(Name, shown, ours, item);
        }

        if (known is null && (cluster is null || (oid ?? 0) == 0))
        {
            return (text is not null && text != ours.ToString())
                || (host is not null && $"{host}:{port}" != $"{ours.HostName}:{ours.Port}")
                ? Errors.OtherDatabase(Name, shown, ours, item)
                : Errors.ObjectIncomplete($"{Name} does not prove which database it is of: it has no {identity}.", remedy, item);
        }

        return ours.Identity is null
            ? new PerfMonitoringException(
                ErrorIds.DatabaseUnproven, FailureKind.PermissionDenied,
                $"{Name} says which cluster it is of, and this session may not read which cluster it is connected to.",
                $"GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() to its role. {remedy}", item)
            : null;
    }

    /// <summary>A text; null if the property is empty or missing.</summary>
    public string? Text(string property) => TextOf(Raw(item, property));

    /// <summary>A required text.</summary>
    /// <exception cref="PerfMonitoringException">ObjectIncomplete.</exception>
    public string NeedText(string property) => Text(property) ?? throw Missing(property);

    /// <summary>A number, a time, an identifier or a word of an enumeration; null if the property is empty or missing.</summary>
    /// <exception cref="PerfMonitoringException">ObjectUnreadable.</exception>
    public T? Get<T>(string property)
        where T : struct => Convert<T>(item, property);

    /// <summary>A required value of these types.</summary>
    /// <exception cref="PerfMonitoringException">ObjectIncomplete, ObjectUnreadable.</exception>
    public T Need<T>(string property)
        where T : struct => Get<T>(property) ?? throw Missing(property);

    /// <summary>The texts of a list, or a single text; empty if the property is empty or missing.</summary>
    /// <exception cref="PerfMonitoringException">ObjectUnreadable: a format such as CSV lost the list.</exception>
    public string[] Texts(string property) => Raw(item, property) switch
    {
        null => [],
        string text when LostLists.Contains(text) => throw Unreadable(property, text, "a list, which CSV does not keep"),
        string text => [.. ItemList.Parse(text)],
        IEnumerable list => [.. list.Cast<object?>().Select(v => TextOf(v is PSObject wrapped ? wrapped.BaseObject : v) ?? "")],
        var other => [TextOf(other)!],
    };

    /// <summary>The error for a missing property.</summary>
    public PerfMonitoringException Missing(string property) =>
        Errors.ObjectIncomplete($"{Name} has no {property}.", remedy, item);

    /// <summary>The error for an unreadable property.</summary>
    public PerfMonitoringException Unreadable(string property, object value, string wanted) => new(
        ErrorIds.ObjectUnreadable, FailureKind.InvalidArgument, $"{Name} has the {property} '{value}', and that is not {wanted}.",
        remedy, item);

    // The value without its wrapper; null if it is absent, empty, or its getter fails. An object that consists only of properties
    // stays wrapped.
    private static object? Raw(PSObject holder, string property)
    {
        var value = Wrapped(holder, property);
        var plain = value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject ? wrapped.BaseObject : value;
        return plain is string text && string.IsNullOrWhiteSpace(text) ? null : plain;
    }

    private static object? Wrapped(PSObject holder, string property)
    {
        try
        {
            return holder.BaseObject is IDictionary table
                ? KeyOf(table, property) is { } key ? table[key] : null
                : holder.Properties[property]?.Value;
        }
        catch (GetValueException)
        {
            return null;
        }
    }

    private static object? KeyOf(IDictionary table, string property) =>
        table.Keys.Cast<object>().FirstOrDefault(k => property.Equals(k as string, StringComparison.OrdinalIgnoreCase));

    private static string? TextOf(object? value) => value switch
    {
        null => null,
        string text => text,
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private T? Convert<T>(PSObject holder, string property)
        where T : struct
    {
        if (Raw(holder, property) is not { } value)
        {
            return null;
        }

        var text = value as string;
        object? read = Type.GetTypeCode(typeof(T)) switch
        {
            _ when typeof(T).IsEnum => Word(typeof(T), holder, property, value),
            _ when typeof(T) == typeof(Guid) => value is Guid ? value : Guid.TryParse(text, out var id) ? id : null,
            _ when typeof(T) == typeof(DateTimeOffset) => Moment(value),
            TypeCode.Boolean => value is bool ? value : bool.TryParse(text, out var flag) ? flag : null,
            var code => Number(code, value),
        };
        var wanted = typeof(T).IsEnum ? "one of " + string.Join(", ", Enum.GetNames(typeof(T)))
            : typeof(T) == typeof(Guid)
            ? "an identifier"
            : typeof(T) == typeof(DateTimeOffset) ? "a moment" : typeof(T) == typeof(bool) ? "True or False" : "such a number";
        return read is null ? throw Unreadable(property, TextOf(value)!, wanted) : (T)read;
    }

    // JSON and CSV hold the name, and Clixml the name beside the number. A number alone could be that of another version.
    private static object? Word(Type type, PSObject holder, string property, object value)
    {
        var name = value is string ? value : Wrapped(holder, property)?.ToString();
        return value.GetType() == type ? (Enum.IsDefined(type, value) ? value : null)
            : Enum.GetNames(type).FirstOrDefault(n => n.Equals(name as string, StringComparison.OrdinalIgnoreCase)) is { } known
            ? Enum.Parse(type, known) : null;
    }

    // Export-Csv writes times and numbers in the culture of its session, without thousands separators: "1,5" must not become 15.
    private static object? Moment(object value) => value switch
    {
        DateTimeOffset => value,
        DateTime time => new DateTimeOffset(time),
        // The form that Clixml writes.
        PSObject parts when Raw(parts, "UtcTicks") is long ticks => new DateTimeOffset(ticks, TimeSpan.Zero),
        string text when DateTimeOffset.TryParseExact(
            text, ["O", "u", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var at) => at,
        string text when DateTimeOffset.TryParse(text, CultureInfo.CurrentCulture, DateTimeStyles.AssumeLocal, out var at) => at,
        _ => null,
    };

    /// <summary>A number of the type; null if the value is not one.</summary>
    public static object? Number(TypeCode code, object value)
    {
        const NumberStyles Style = NumberStyles.Float;
        try
        {
            if (value is string text)
            {
                value = code == TypeCode.Double
                    ? double.TryParse(text, Style, CultureInfo.InvariantCulture, out var real)
                    ? real : double.Parse(text, Style, CultureInfo.CurrentCulture)
                    : decimal.TryParse(text, Style, CultureInfo.InvariantCulture, out var exact)
                    ? exact : decimal.Parse(text, Style, CultureInfo.CurrentCulture);
            }

            if (value is not IConvertible || Type.GetTypeCode(value.GetType()) is < TypeCode.SByte or > TypeCode.Decimal
                || value is Enum)
            {
                return null;
            }

            var number = System.Convert.ChangeType(value, code, CultureInfo.InvariantCulture);
            var isWhole = code is TypeCode.Double or TypeCode.Decimal
                || System.Convert.ToDecimal(value, CultureInfo.InvariantCulture) % 1 == 0;
            return isWhole && number is not (double.NaN or double.PositiveInfinity or double.NegativeInfinity) ? number : null;
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            return null;
        }
    }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>
/// The database roles that the module distinguishes: a reader, a collector that runs every night, and a role that creates and
/// drops indexes.
/// </summary>
[Flags]
internal enum AccessRole
{
    None = 0,
    Reader = 1,
    Collector = 2,
    Builder = 4,
    All = Reader | Collector | Builder,
}

/// <summary>The kind of object of a grant.</summary>
public enum GrantKind
{
    /// <summary>Membership in a role, with its rights.</summary>
    Role,
    /// <summary>A right on the connected database.</summary>
    Database,
    /// <summary>A right on a schema.</summary>
    Schema,
    /// <summary>Rights on a table or view.</summary>
    Table,
    /// <summary>SELECT on every table of a schema, and on the tables that its owner creates later.</summary>
    EveryTable,
    /// <summary>EXECUTE on a function.</summary>
    Function,
    /// <summary>USAGE on a type.</summary>
    Type,
}

/// <summary>One grant.</summary>
/// <param name="Kind">The kind of object.</param>
/// <param name="Schema">The schema of the object; a name in angle brackets (<c>&lt;schema&gt;</c>) is a placeholder for a name
/// that differs between databases.</param>
/// <param name="Name">The object; empty where the schema or the database is the object.</param>
/// <param name="Privileges">The privileges, comma-separated; empty for a membership.</param>
/// <param name="IsOfPublic">Whether everybody has it by default: it is checked, but not part of scripts.</param>
/// <param name="IsOfMany">Whether its object is only in a store for many.</param>
public sealed record AccessGrant(
    GrantKind Kind, string Schema, string Name, string Privileges, bool IsOfPublic = false, bool IsOfMany = false)
{
    /// <summary>The SQL statements of the grant.</summary>
    /// <param name="grantee">The role that receives the grant.</param>
    /// <param name="name">Formats a name; null quotes it.</param>
    /// <param name="owner">The role that creates later tables, for <see cref="GrantKind.EveryTable"/>; null to leave these
    /// out.</param>
    public string ToSql(string grantee, Func<string, string>? name = null, string? owner = null)
    {
        name ??= Identifier.Quote;
        var to = name(grantee);
        return Kind switch
        {
            GrantKind.Role => $"grant {name(Name)} to {to};",
            GrantKind.Database => $"grant {Privileges} on database {name(Name)} to {to};",
            GrantKind.Schema => $"grant {Privileges} on schema {name(Schema)} to {to};",
            GrantKind.Table => $"grant {Privileges} on {name(Schema)}.{name(Name)} to {to};",
            GrantKind.EveryTable => $"grant select on all tables in schema {name(Schema)} to {to};"
                + (owner is null
                    ? "" : $"\nalter default privileges for role {name(owner)} in schema {name(Schema)} grant select on "
                        + $"tables to {to};"),
            GrantKind.Function => $"grant execute on function {name(Schema)}.{name(Name)} to {to};",
            _ => $"grant usage on type {name(Schema)}.{name(Name)} to {to};",
        };
    }
}

/// <summary>An activity of the module, and the grants that it needs.</summary>
internal sealed record AccessRight
{
    /// <summary>The activity; the name of the prerequisite.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the grants apply to the store's database; else to the monitored one.</summary>
    public bool IsOfStore { get; init; }

    /// <summary>The roles with this right.</summary>
    public required AccessRole Roles { get; init; }

    /// <summary>What the right makes possible.</summary>
    public required string Enables { get; init; }

    /// <summary>The cmdlets that need the right.</summary>
    public required IReadOnlyList<string> Cmdlets { get; init; }

    /// <summary>The grants.</summary>
    public required IReadOnlyList<AccessGrant> Grants { get; init; }
}

using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>
/// Every right that the module uses. Test-PerfMonitoringPrerequisite, the remedies of PermissionDenied and
/// about_PerfMonitoring_Security all come from this one table.
/// </summary>
internal static class AccessRights
{
    /// <summary>Placeholder for the schema of pg_stat_statements.</summary>
    public const string StatementsSchema = "<schema of pg_stat_statements>";

    /// <summary>Placeholder for the schema of hypopg.</summary>
    public const string HypoPgSchema = "<schema of hypopg>";

    /// <summary>Placeholder for each schema of the application.</summary>
    public const string ApplicationSchema = "<schema>";

    /// <summary>Placeholder for the owner of the application's tables.</summary>
    public const string ApplicationOwner = "<owner>";

    /// <summary>Placeholder for the database.</summary>
    public const string Database = "<database>";

    /// <summary>Placeholder for the schema of this database in the store.</summary>
    public const string Store = "<schema of the store>";

    private static readonly string[] StoreTypes = [
        "index_type", "usage_pattern", "maintenance_window", "metric_type", "threshold_unit"];

    private static readonly string[] StoreReaders =
    [
        "Get-IndexStrategy", "Get-IndexStrategyHistory", "Get-IndexUsageStat", "Get-MaintenanceWindow",
        "Get-PerformanceThreshold", "Get-QueryPerformanceLog",
        "Get-SlowQuery", "Test-IndexStrategy", "Test-PerformanceThreshold", "New-IndexStrategy",
    ];

    private static readonly string[] Changers =
        ["Invoke-IndexCreation", "Invoke-IndexRemoval", "Undo-IndexCreation", "Undo-IndexRemoval", "Repair-Index"];

    private static readonly string[] Planners =
        ["New-IndexStrategy", "Get-IndexCandidate", "Update-QueryPerformanceLog", "Invoke-IndexRemoval", "Undo-IndexCreation"];

    /// <summary>The rights, in the order in which to grant them.</summary>
    public static IReadOnlyList<AccessRight> All { get; } =
    [
        new()
        {
            Name = "Connect",
            Roles = AccessRole.All,
            Enables = "A session.",
            Cmdlets = ["Connect-PerfMonitoring"],
            Grants = [new(GrantKind.Database, "", Database, "connect")],
        },
        new()
        {
            Name = "pg_monitor",
            Roles = AccessRole.All,
            Enables = "Statements, activity, settings and sizes that belong to other roles.",
            Cmdlets = [
                "Get-SlowQuery", "Update-QueryPerformanceLog", "Get-IndexUsageStat", "Update-IndexUsageStat",
                "Test-PerformanceThreshold", .. Changers],
            Grants = [new(GrantKind.Role, "", "pg_monitor", "")],
        },
        new()
        {
            Name = "Identify the server",
            Roles = AccessRole.All,
            Enables = "The same rows of the store for every role and under every address of the server.",
            Cmdlets = [.. StoreReaders],
            Grants = [new(GrantKind.Function, "pg_catalog", "pg_control_system", "execute", IsOfPublic: true)],
        },
        new()
        {
            Name = "pg_stat_statements readable",
            Roles = AccessRole.All,
            Enables = "Statements of all roles, with their texts.",
            Cmdlets = ["Get-SlowQuery", "Update-QueryPerformanceLog", "Test-PerformanceThreshold", "Invoke-IndexCreation"],
            Grants =
            [
                new(GrantKind.Schema, StatementsSchema, "", "usage"),
                new(GrantKind.Table, StatementsSchema, "pg_stat_statements", "select", IsOfPublic: true),
                new(GrantKind.Table, StatementsSchema, "pg_stat_statements_info", "select", IsOfPublic: true),
                new(GrantKind.Function, StatementsSchema, "pg_stat_statements", "execute", IsOfPublic: true),
                new(GrantKind.Function, StatementsSchema, "pg_stat_statements_info", "execute", IsOfPublic: true),
            ],
        },
        new()
        {
            Name = "hypopg usable",
            Roles = AccessRole.All,
            Enables = "Hypothetical indexes.",
            Cmdlets = ["New-IndexStrategy", "Invoke-IndexRemoval", "Undo-IndexCreation"],
            Grants =
            [
                new(GrantKind.Schema, HypoPgSchema, "", "usage"),
                .. new[] {
                    "hypopg", "hypopg_create_index", "hypopg_drop_index", "hypopg_relation_size", "hypopg_reset",
                    "hypopg_hide_index", "hypopg_unhide_all_indexes" }
                    .Select(f => new AccessGrant(GrantKind.Function, HypoPgSchema, f, "execute", IsOfPublic: true)),
            ],
        },
        new()
        {
            Name = "Plan the workload",
            Roles = AccessRole.All,
            Enables =
                "Plans of the application's statements, without running them, and the statistics of its columns; "
                    + "pg_read_all_data (14) does it too.",
            Cmdlets = [.. Planners],
            Grants = [
                new(GrantKind.Schema, ApplicationSchema, "", "usage"),
                new(GrantKind.EveryTable, ApplicationSchema, "", "select")],
        },
        new()
        {
            Name = "Create indexes",
            Roles = AccessRole.Builder,
            Enables =
                "Creating, dropping and rebuilding indexes: PostgreSQL asks for the rights of the table's owner, and for "
                    + "CREATE on the schema.",
            Cmdlets = [.. Changers],
            Grants = [new(GrantKind.Role, "", ApplicationOwner, ""), new(GrantKind.Schema, ApplicationSchema, "", "create")],
        },
        new()
        {
            Name = "Create the store",
            IsOfStore = true,
            Roles = AccessRole.None,
            Enables =
                "Initialize-PerfMonitoringStore: the role that runs it first owns the store and runs it for every later version.",
            Cmdlets = ["Initialize-PerfMonitoringStore"],
            Grants = [new(GrantKind.Database, "", Database, "create")],
        },
        new()
        {
            Name = "Read the store",
            IsOfStore = true,
            Roles = AccessRole.All,
            Enables = "Strategies, history, usage, thresholds and the query log.",
            Cmdlets = [.. StoreReaders, .. Changers],
            Grants =
            [
                new(GrantKind.Database, "", Database, "connect"),
                new(GrantKind.Schema, Store, "", "usage"),
                new(GrantKind.EveryTable, Store, "", "select"),
                new(GrantKind.Function, Store, "uuid_v7_floor", "execute", IsOfPublic: true),
                new(GrantKind.Schema, StoreSchema.Own, "", "usage", IsOfMany: true),
                new(GrantKind.Table, StoreSchema.Own, "registered_database", "select", IsOfMany: true),
                new(GrantKind.Table, StoreSchema.Own, "registry_version", "select", IsOfMany: true),
                new(GrantKind.Table, StoreSchema.Own, "database_sighting", "select", IsOfMany: true),
                .. StoreTypes.Select(t => new AccessGrant(GrantKind.Type, Store, t, "usage", IsOfPublic: true)),
            ],
        },
        Write("Write the query log", AccessRole.Collector | AccessRole.Builder,
            "The nightly log of queries, and its retention; the log before and after a build, by which the index is judged.",
            ["Update-QueryPerformanceLog", "Clear-QueryPerformanceLog", "Invoke-IndexCreation"],
            [
                ("query_statistics_head", "insert, update"),
                ("query_statistics", "insert, delete"),
                ("query_performance_log", "insert, delete"), ("query_performance_interval", "insert, delete"),
            ],
            "add_query_log_partition", "drop_query_log_partition"),
        Write("Write index usage", AccessRole.Collector,
            "The daily usage of indexes; those that are not known yet are adopted as strategies.",
            ["Update-IndexUsageStat"],
            [
                ("user", "insert, update"), ("index_strategy", "insert, update"),
                ("index_strategy_detail", "insert, update"), ("index_strategy_evidence", "insert, delete"),
                ("index_usage_stats", "insert, update"),
                ("index_usage_detail", "insert, update"),
            ]),
        Write("Keep samples", AccessRole.Collector, "Thresholds that are measured from one test to the next.",
            ["Test-PerformanceThreshold"],
            [("metric_sample", "insert, update")]),
        Write("Write strategies", AccessRole.Builder, "Proposals that are kept, and what becomes of them.",
            ["New-IndexStrategy", "Set-IndexStrategy", "Remove-IndexStrategy", .. Changers],
            [
                ("user", "insert, update"), ("index_strategy", "insert, update"),
                ("index_strategy_detail", "insert, update"), ("index_strategy_evidence", "insert, delete"),
            ]),
        Write("Write the audit", AccessRole.Builder, "The history of every change, without which none is made.",
            [.. Changers],
            [
                ("user", "insert, update"), ("index_action", "insert, update"),
                ("index_action_session", "insert, update"),
            ]),
        Write("Write settings", AccessRole.Builder, "Thresholds and maintenance windows.",
            ["New-PerformanceThreshold", "Set-PerformanceThreshold", "Remove-PerformanceThreshold", "Set-MaintenanceWindow"],
            [
                ("user", "insert, update"), ("performance_threshold", "insert, update"),
                ("maintenance_schedule", "insert, update"),
            ]),
    ];

    public static AccessRight Of(string name) => All.Single(r => r.Name == name);

    private static AccessRight Write(
        string name, AccessRole roles, string enables, string[] cmdlets, (string Table, string Privileges)[] tables,
        params string[] functions) => new()
        {
            Name = name,
            IsOfStore = true,
            Roles = roles,
            Enables = enables,
            Cmdlets = cmdlets,
            Grants =
            [
                .. tables.Select(t => new AccessGrant(GrantKind.Table, Store, t.Table, t.Privileges)),
                .. functions.Select(f => new AccessGrant(GrantKind.Function, Store, f, "execute")),
                .. cmdlets.Contains("Update-QueryPerformanceLog") ? new[]
                {
                    new AccessGrant(GrantKind.Table, StoreSchema.Own, "database_sighting", "insert, update", IsOfMany: true),
                } : [],
            ],
        };
}

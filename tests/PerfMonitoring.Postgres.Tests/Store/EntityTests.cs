using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// Compares the store with the data model, line by line. A line is: column | type | null | default | check or reference.
/// </summary>
public sealed partial class EntityTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly Dictionary<string, string> Entities = new()
    {
        ["index_strategy"] = """
            id                   | uuid                     | not null |              | primary key
            table_name           | character varying(100)   | not null |              |
            index_name           | character varying(100)   | not null |              |
            index_type           | index_type               | not null |              | in BTREE HASH GIN GIST PARTIAL COMPOSITE FUNCTIONAL
            index_definition     | text                     | not null |              | (length(index_definition) <= 2000)
            columns              | jsonb                    | not null |              |
            where_clause         | text                     |          |              |
            usage_pattern        | usage_pattern            | not null |              | in LOOKUP RANGE_SCAN SORT JOIN FULL_TEXT ANALYTICS
            maintenance_window   | maintenance_window       | not null |              | in IMMEDIATE OFF_PEAK WEEKEND SCHEDULED
            is_created           | boolean                  | not null | false        |
            is_monitoring        | boolean                  | not null | true         |
            created_by           | uuid                     | not null |              | references user.id
            updated_by           | uuid                     |          |              | references user.id
            created_at           | timestamp with time zone | not null | now()        |
            updated_at           | timestamp with time zone | not null | now()        |
            is_active            | boolean                  | not null | true         |
            """,
        ["query_performance_log"] = """
            id                      | uuid                     | not null |       | primary key
            query_hash              | text                     | not null |       | (length(query_hash) = 64)
            query_pattern           | text                     | not null |       | (length(query_pattern) <= 2000)
            execution_time_ms       | numeric                  | not null |       | (execution_time_ms >= 0)
            rows_examined           | bigint                   | not null |       | (rows_examined >= 0)
            rows_returned           | bigint                   | not null |       | (rows_returned >= 0)
            indexes_used            | jsonb                    |          |       |
            execution_plan          | jsonb                    |          |       |
            used_index              | boolean                  | not null | false |
            is_slow_query           | boolean                  | not null | false |
            slow_query_threshold_ms | numeric                  | not null | 1000  |
            database_user           | character varying(100)   | not null |       |
            application_context     | character varying(100)   |          |       |
            executed_at             | timestamp with time zone | not null | now() |
            """,
        ["index_usage_stats"] = """
            id                      | uuid                     | not null |              | primary key
            index_strategy_id       | uuid                     | not null |              | references index_strategy.id
            table_name              | character varying(100)   | not null |              |
            index_name              | character varying(100)   | not null |              |
            total_scans             | bigint                   | not null | 0            |
            total_tuples_read       | bigint                   | not null | 0            |
            total_tuples_fetched    | bigint                   | not null | 0            |
            avg_scan_time_ms        | numeric                  | not null | 0            |
            selectivity_ratio       | numeric                  | not null | 0            | ((selectivity_ratio >= 0) AND (selectivity_ratio <= 1))
            index_size_bytes        | bigint                   | not null | 0            |
            maintenance_cost_score  | numeric                  | not null | 0            |
            is_recommended_for_drop | boolean                  | not null | false        |
            stats_date              | date                     | not null | CURRENT_DATE |
            last_analyzed           | timestamp with time zone | not null | now()        |
            """,
        ["performance_threshold"] = """
            id                  | uuid                     | not null |       | primary key
            metric_type         | metric_type              | not null |       | in QUERY_TIME INDEX_SCAN_RATIO TABLE_SIZE CACHE_HIT_RATIO CONNECTION_COUNT DEADLOCK_COUNT
            table_name          | character varying(100)   |          |       |
            warning_threshold   | numeric                  | not null |       | (warning_threshold > 0)
            critical_threshold  | numeric                  | not null |       | (critical_threshold >= warning_threshold)
            threshold_unit      | threshold_unit           | not null |       | in MILLISECONDS PERCENTAGE COUNT BYTES RATIO
            alert_enabled       | boolean                  | not null | true  |
            alert_configuration | jsonb                    |          |       |
            created_by          | uuid                     | not null |       | references user.id
            updated_by          | uuid                     |          |       | references user.id
            created_at          | timestamp with time zone | not null | now() |
            updated_at          | timestamp with time zone | not null | now() |
            is_active           | boolean                  | not null | true  |
            """,
    };

    private static readonly Dictionary<string, string> Indexes = new()
    {
        ["index_strategy"] = """
            idx_index_strategy_table btree (table_name, is_created, is_active)
            index_strategy_pkey unique btree (id)
            table_index_name unique btree (table_name, index_name)
            """,
        ["query_performance_log"] = """
            idx_query_perf_hash btree (query_hash, executed_at DESC)
            idx_query_perf_slow btree (is_slow_query, execution_time_ms DESC) WHERE (is_slow_query = true)
            idx_query_perf_time btree (executed_at DESC) WHERE (execution_time_ms > 100)
            query_performance_log_pkey unique btree (id)
            """,
        ["index_usage_stats"] = """
            idx_index_usage_perf btree (total_scans DESC, avg_scan_time_ms)
            idx_index_usage_size btree (index_size_bytes DESC, maintenance_cost_score DESC)
            index_stats_date unique btree (index_strategy_id, stats_date)
            index_usage_stats_pkey unique btree (id)
            """,
        ["performance_threshold"] = """
            idx_perf_threshold_metric btree (metric_type, table_name, is_active)
            performance_threshold_pkey unique btree (id)
            """,
    };

    public static TheoryData<string> Names => [.. Entities.Keys];

    // The enums of the store, by the name of their type in schema perf_monitoring.
    private static readonly Dictionary<string, Type> StoredTypes = new()
    {
        ["index_type"] = typeof(IndexType),
        ["usage_pattern"] = typeof(UsagePattern),
        ["maintenance_window"] = typeof(MaintenanceWindow),
        ["metric_type"] = typeof(MetricType),
        ["threshold_unit"] = typeof(ThresholdUnit),
    };

    public static TheoryData<string> StoredEnums => [.. StoredTypes.Keys];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await using var session = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await session.Store.UpgradeAsync(Token);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task An_entity_has_the_models_columns(string entity)
    {
        var columns = await RowsAsync($"""
            select a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' else '' end,
                coalesce(pg_get_expr(d.adbin, d.adrelid), '')
            from pg_attribute a
            left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
            where a.attrelid = 'perf_monitoring.{entity}'::regclass and a.attnum > 0 and not a.attisdropped
            order by a.attnum
            """);
        var rules = (await RowsAsync($"""
            select a.attname, c.contype::text,
                pg_get_constraintdef(c.oid), c.confrelid::regclass::text, (select f.attname from pg_attribute f where f.attrelid = c.confrelid and f.attnum = c.confkey[1])
            from pg_constraint c
            cross join lateral unnest(c.conkey) with ordinality k (attnum, position)
            join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
            where c.conrelid = 'perf_monitoring.{entity}'::regclass and c.contype in ('p', 'c', 'f') and k.position = 1
            order by a.attnum
            """)).ToLookup(r => RuleColumn(r[0], r[2]), r => Rule(r[1], r[2], r[3], r[4]));

        var made = columns.Select(
            c => string.Join(
                " | ", c[0], c[1].Replace("perf_monitoring.", "", StringComparison.Ordinal), c[2], Default(c[3]),
                string.Join("; ", rules[c[0]])));

        Assert.Equal(Entities[entity].Split('\n').Select(Squeeze), made.Select(Squeeze));
        Assert.All(rules, r => Assert.Contains(r.Key, columns.Select(c => c[0])));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task An_entity_has_the_models_keys_and_indexes(string entity)
    {
        var indexes = await RowsAsync($"""
            select c.relname, case when i.indisunique then 'unique ' else '' end, pg_get_indexdef(i.indexrelid)
            from pg_index i
            join pg_class c on c.oid = i.indexrelid
            where i.indrelid = 'perf_monitoring.{entity}'::regclass
            order by c.relname
            """);

        Assert.Equal(
            Indexes[entity].Split('\n'),
            indexes.Select(
                i => $"{i[0]} {i[1]}{i[2][(i[2].IndexOf(" USING ", StringComparison.Ordinal) + 7)..]}".Replace(
                    "(100)::numeric", "100", StringComparison.Ordinal)
                .Replace("'100'::numeric", "100", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(StoredEnums))]
    public async Task An_enum_has_the_same_labels_on_both_sides(string type)
    {
        var labels = await RowsAsync($"""
            select e.enumlabel from pg_enum e where e.enumtypid = 'perf_monitoring.{type}'::regtype order by e.enumsortorder
            """);
        var of = typeof(EnumLabel).GetMethod(nameof(EnumLabel.Of))!.MakeGenericMethod(StoredTypes[type]);
        var parse = typeof(EnumLabel).GetMethod(nameof(EnumLabel.Parse))!.MakeGenericMethod(StoredTypes[type]);
        var members = Enum.GetValues(StoredTypes[type]).Cast<object>().ToList();

        Assert.Equal(labels.Select(l => l[0]), members.Select(m => (string)of.Invoke(null, [m])!));
        Assert.Equal(members, labels.Select(l => parse.Invoke(null, [l[0]])!));
    }

    [Fact]
    public async Task Every_enum_of_the_store_is_known()
    {
        var types = await RowsAsync("""
            select t.typname from pg_type t where t.typnamespace = 'perf_monitoring'::regnamespace and t.typtype = 'e' order by t.typname
            """);

        Assert.Equal(StoredTypes.Keys.Order(StringComparer.Ordinal), types.Select(t => t[0]));
    }

    private static string Default(string expression) => expression.Replace("pg_catalog.", "", StringComparison.Ordinal) switch
    {
        "'1000'::numeric" => "1000",
        "'0'::numeric" or "'0'::bigint" => "0",
        var other => other,
    };

    // A check over two columns belongs to the first column that it names, as in the model.
    private static string RuleColumn(string column, string definition) =>
        FirstName().Match(definition) is { Success: true } m ? m.Groups[1].Value : column;

    private static string Rule(string kind, string definition, string other, string otherColumn) => kind switch
    {
        "p" => "primary key",
        "f" => $"references {other.Replace("perf_monitoring.", "", StringComparison.Ordinal).Trim('"')}.{otherColumn}",
        _ when Labels().Matches(definition) is { Count: > 1 } labels =>
            "in " + string.Join(' ', labels.Select(l => l.Groups[1].Value)),
        _ => Casts().Replace(definition["CHECK (".Length..^1], "$1$2"),
    };

    private static string Squeeze(string line) => Spaces().Replace(line.Trim().TrimEnd('|'), " ").Trim();

    private async Task<List<string[]>> RowsAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(database.UnpooledConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var rows = new List<string[]>();
        while (await reader.ReadAsync(Token))
        {
            rows.Add(
                [.. Enumerable.Range(0, reader.FieldCount)
                .Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture)!)]);
        }

        return rows;
    }

    [GeneratedRegex(@"'([A-Z_]+)'::")]
    private static partial Regex Labels();

    [GeneratedRegex(@"\((\d+)\)::numeric|'(\d+)'::numeric")]
    private static partial Regex Casts();

    [GeneratedRegex(@"^CHECK \(+(?:length\()?(\w+)")]
    private static partial Regex FirstName();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

-- Purpose: stores a strategy. The row of the same table and index is updated if nothing was built from it. No row is
-- returned if the existing row must stay.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.index_strategy.
insert into {{store}}.index_strategy as s (
    id, table_name, index_name, index_type, index_definition, columns, where_clause, usage_pattern, maintenance_window,
    is_created, is_monitoring, created_by)
values (
    @Id::uuid, @TableName::text, @IndexName::text, @IndexType::text::{{store}}.index_type, @IndexDefinition::text,
    @Columns::jsonb,
    @WhereClause::text, @UsagePattern::text::{{store}}.usage_pattern,
    @MaintenanceWindow::text::{{store}}.maintenance_window,
    @IsCreated::bool, @IsMonitoring::bool, @UserId::uuid)
on conflict (table_name, index_name) do update set
    index_type = excluded.index_type,
    index_definition = excluded.index_definition,
    columns = excluded.columns,
    where_clause = excluded.where_clause,
    usage_pattern = excluded.usage_pattern,
    maintenance_window = excluded.maintenance_window,
    is_created = excluded.is_created,
    is_monitoring = excluded.is_monitoring,
    is_active = true,
    updated_by = excluded.created_by,
    updated_at = excluded.updated_at
where not (s.is_active and s.is_created)
returning s.id

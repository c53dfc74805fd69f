-- Purpose: where a monitored database was seen last. The addresses under which it was seen before stay.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.database_sighting.
insert into {{store}}.database_sighting as s (schema_name, host_name, port, addresses, server_started_at, timeline)
values (
    @SchemaName::text, @HostName::text, @Port::int, array[@Address::text], @ServerStartedAt::timestamptz, @Timeline::int)
on conflict (schema_name) do update set
    host_name = excluded.host_name,
    port = excluded.port,
    addresses = case when excluded.addresses <@ s.addresses then s.addresses else s.addresses || excluded.addresses end,
    server_started_at = excluded.server_started_at,
    timeline = coalesce(excluded.timeline, s.timeline),
    seen_at = pg_catalog.now()

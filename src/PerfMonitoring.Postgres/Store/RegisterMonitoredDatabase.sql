-- Purpose: the id of a monitored database, added at the first use; its address is the last one used.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring.monitored_database.
insert into perf_monitoring.monitored_database as d (server_identity, database_name, host_name, port)
values (@ServerIdentity::text, @DatabaseName::text, @HostName::text, @Port::int)
on conflict (server_identity, database_name) do update set host_name = excluded.host_name, port = excluded.port
returning d.id

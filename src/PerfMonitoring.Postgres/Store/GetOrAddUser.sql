-- Purpose: the id of the acting user, added on first sight; safe when two sessions add the same one.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring."user".
insert into perf_monitoring."user" (name)
values (@Name::text)
on conflict (name) do update set name = excluded.name
returning id

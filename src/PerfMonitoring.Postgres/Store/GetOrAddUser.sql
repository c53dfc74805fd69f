-- Purpose: the id of the acting user, added at the first use; safe if two sessions add the same user.
-- Minimum version: 13. Privileges: insert, update and select on perf_monitoring."user".
insert into {{store}}."user" (name)
values (@Name::text)
on conflict (name) do update set name = excluded.name
returning id

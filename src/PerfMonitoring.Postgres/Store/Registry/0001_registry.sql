-- Purpose: the list of the monitored databases in a store for many, each with its own schema, and where each was seen last.
-- Minimum version: 13. Privileges: create on the database.
create table {{store}}.registered_database (
    schema_name text not null,
    system_identifier bigint,
    database_oid oid,
    copy integer not null default 0,
    database_name text not null,
    group_name text,
    tags text[] not null default '{}',
    registered_at timestamptz not null default pg_catalog.now(),
    constraint registered_database_pkey primary key (schema_name),
    constraint registered_database_identity_key unique (system_identifier, database_oid, copy)
);
comment on table {{store}}.registered_database is 'The monitored databases of this store. Only its owner writes it.';
comment on column {{store}}.registered_database.system_identifier is
    'The system identifier of the cluster; null where the role may not read it, and the address identifies the database.';
comment on column {{store}}.registered_database.database_oid is 'Null for a database of an earlier layout until it is seen.';
comment on column {{store}}.registered_database.copy is
    '0 for the first database of an identity. A physical copy has the identity of its original and the next number.';

create table {{store}}.database_sighting (
    schema_name text not null,
    host_name text not null,
    port integer not null,
    addresses text[] not null default '{}',
    server_started_at timestamptz,
    timeline integer,
    seen_at timestamptz not null default pg_catalog.now(),
    constraint database_sighting_pkey primary key (schema_name),
    constraint database_sighting_schema_name_fkey foreign key (schema_name)
        references {{store}}.registered_database (schema_name) on delete cascade on update cascade
);
comment on table {{store}}.database_sighting is
    'Where a monitored database was seen last. Whoever collects writes it, so it decides about no right.';
comment on column {{store}}.database_sighting.addresses is 'Every host:port under which it was seen.';
comment on column {{store}}.database_sighting.server_started_at is
    'When its server was started: the same moment under another address is the same server.';
comment on column {{store}}.database_sighting.timeline is
    'The timeline of its write-ahead log, which a promotion raises; null where it was seen in recovery.';

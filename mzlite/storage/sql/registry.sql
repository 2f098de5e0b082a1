-- The registry: what exists, by id. Filled by the statement executors, shown by the views of mz_catalog and mz_internal.
-- Ids are Materialize's: u1, u2 .. for what users make, s1, s2 .. for what the system has.

create sequence mzlite.object_ids as bigint;
create sequence mzlite.cluster_ids as bigint start 2;
create sequence mzlite.replica_ids as bigint start 2;
create sequence mzlite.role_ids as bigint start 2;
create sequence mzlite.database_ids as bigint start 2;
create sequence mzlite.schema_ids as bigint start 4;
-- Oids of what has no oid in the inner PostgreSQL (indexes, sinks, roles ..), far from the ones it hands out itself.
create sequence mzlite.oids as bigint start 3000000000;

create table mzlite.roles (
    id text primary key,
    oid oid not null default nextval('mzlite.oids')::oid,
    name text not null unique,
    inherit boolean not null default true,
    login boolean,
    superuser boolean
);
insert into mzlite.roles (id, name, login, superuser) values
('u1', 'materialize', true, false),
('s1', 'mz_system', true, true),
('s2', 'mz_support', true, false),
('s3', 'mz_analytics', true, false),
('p', 'PUBLIC', false, false);

-- What is kept of passwords: verifiers, from which the password cannot be had.
create table mzlite.passwords (
    role_id text primary key references mzlite.roles on delete cascade,
    verifier text not null
);

create table mzlite.role_members (
    role_id text not null references mzlite.roles on delete cascade,
    member_id text not null references mzlite.roles on delete cascade,
    grantor_id text not null,
    primary key (role_id, member_id)
);

create table mzlite.databases (
    id text primary key,
    oid oid not null default nextval('mzlite.oids')::oid,
    name text not null unique,
    owner_id text not null
);
insert into mzlite.databases (id, name, owner_id) values ('u1', 'materialize', 's1');

-- Names are those of pg_namespace, so that a swap is a rename there and nothing else.
create table mzlite.schemas (
    id text primary key,
    namespace oid not null unique,
    database_id text references mzlite.databases,
    owner_id text not null
);
insert into mzlite.schemas (id, namespace, database_id, owner_id) values
('u3', 'public'::regnamespace, 'u1', 's1'),
('s1', 'mz_catalog'::regnamespace, null, 's1'),
('s2', 'pg_catalog'::regnamespace, null, 's1'),
('s3', 'mz_internal'::regnamespace, null, 's1'),
('s4', 'information_schema'::regnamespace, null, 's1'),
('s5', 'mz_unsafe'::regnamespace, null, 's1'),
('s6', 'mz_introspection'::regnamespace, null, 's1');

create table mzlite.cluster_replica_sizes (
    size text primary key,
    workers integer not null,
    cpu_nano_cores bigint not null,
    memory_bytes bigint not null,
    credits_per_hour numeric not null
);
insert into mzlite.cluster_replica_sizes (size, workers, cpu_nano_cores, memory_bytes, credits_per_hour) values
('25cc', 1, 500000000, 4026531840, 0.25),
('50cc', 1, 1000000000, 8053063680, 0.5),
('100cc', 1, 2000000000, 16106127360, 1),
('200cc', 2, 4000000000, 32212254720, 2),
('bootstrap', 1, 1000000000, 8053063680, 0.25),
('scale=1,workers=1', 1, 1000000000, 4294967296, 0),
('scale=1,workers=2', 2, 2000000000, 8589934592, 0),
('scale=1,workers=4', 4, 4000000000, 17179869184, 0);

create table mzlite.clusters (
    id text primary key,
    oid oid not null default nextval('mzlite.oids')::oid,
    name text not null,
    owner_id text not null,
    managed boolean not null,
    size text,
    replication_factor integer,
    introspection_debugging boolean,
    introspection_interval interval,
    schedule text not null default 'manual',
    hydration_time_estimate interval,
    workload_class text,
    options jsonb not null default '{}',
    -- Checked at the end of a statement, so that two clusters can swap names.
    constraint cluster_name unique (name) deferrable initially deferred
);
insert into mzlite.clusters (id, name, owner_id, managed, size, replication_factor, introspection_debugging, introspection_interval) values
('u1', 'quickstart', 's1', true, '25cc', 1, false, '00:00:01'),
('s1', 'mz_system', 's1', true, '25cc', 1, false, '00:00:01'),
('s2', 'mz_catalog_server', 's1', true, '50cc', 1, false, '00:00:01'),
('s3', 'mz_probe', 's1', true, '25cc', 1, false, '00:00:01'),
('s4', 'mz_support', 's2', true, '25cc', 0, false, '00:00:01'),
('s5', 'mz_analytics', 's3', true, '25cc', 0, false, '00:00:01');

create table mzlite.cluster_replicas (
    id text primary key,
    name text not null,
    cluster_id text not null references mzlite.clusters on delete cascade,
    size text,
    availability_zone text,
    owner_id text not null,
    created_at timestamptz not null default now(),
    unique (cluster_id, name)
);
insert into mzlite.cluster_replicas (id, name, cluster_id, size, owner_id) values
('u1', 'r1', 'u1', '25cc', 's1'),
('s1', 'r1', 's1', '25cc', 's1'),
('s2', 'r1', 's2', '50cc', 's1'),
('s3', 'r1', 's3', '25cc', 's1');

-- Everything in a schema. `relation` is the view that clients read (tables, sources, views, materialized views).
-- In `create_sql` and `definition` another object appears as ${id}, so that renames and swaps need no rewriting.
create table mzlite.objects (
    id text primary key,
    oid oid not null,
    type text not null check (
        type in ('table', 'source', 'view', 'materialized-view', 'index', 'sink', 'connection', 'secret', 'type')
    ),
    relation oid unique,
    namespace oid not null,
    name text not null,
    cluster_id text references mzlite.clusters,
    owner_id text not null,
    create_sql text,
    definition text,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    session_id bigint
);
-- Types have a name space of their own, as in Materialize.
create unique index objects_by_name on mzlite.objects (namespace, name, (type = 'type'));
-- Whether a type is one that a user has made, or its arrays, lists or maps.
create function mzlite.is_of_type(used oid, made oid) returns boolean language sql stable strict parallel safe
return used = made or exists (
    select from pg_catalog.pg_type as u
    inner join pg_catalog.pg_type as m on m.oid = made
    where u.oid = used and (u.typelem = made or (u.typnamespace = m.typnamespace and u.typname in (m.typname || ' list', m.typname || ' map')))
);
create index objects_by_cluster on mzlite.objects (cluster_id);

create table mzlite.dependencies (
    object_id text not null references mzlite.objects on delete cascade,
    referenced_id text not null references mzlite.objects,
    primary key (object_id, referenced_id)
);
create index dependencies_by_referenced on mzlite.dependencies (referenced_id);

create table mzlite.index_columns (
    index_id text not null references mzlite.objects on delete cascade,
    index_position integer not null,
    on_position integer,
    on_expression text,
    nullable boolean not null default true,
    primary key (index_id, index_position)
);

-- `object_type` as mz_comments shows it; `object_sub_id` is a column's position, 0 the object itself.
create table mzlite.comments (
    id text not null,
    object_type text not null,
    object_sub_id integer not null default 0,
    comment text not null,
    primary key (id, object_type, object_sub_id)
);

create table mzlite.secrets (
    id text primary key references mzlite.objects on delete cascade,
    contents bytea not null
);

-- Who may do what; enforced where enable_rbac_checks is on (as in Materialize, it is off by default).
create table mzlite.privileges (
    object_type text not null,
    object_id text not null,
    grantor_id text not null,
    grantee_id text not null references mzlite.roles,
    privilege text not null,
    primary key (object_type, object_id, grantor_id, grantee_id, privilege)
);

create table mzlite.default_privileges (
    role_id text not null,
    database_id text,
    schema_id text,
    object_type text not null,
    grantee_id text not null,
    privileges text not null
);

-- Live state, written by the engine.
create table mzlite.statuses (
    object_id text primary key references mzlite.objects on delete cascade,
    status text not null,
    error text,
    details jsonb,
    updated_at timestamptz not null default clock_timestamp()
);
create table mzlite.status_history (
    object_id text not null,
    occurred_at timestamptz not null default clock_timestamp(),
    status text not null,
    error text,
    details jsonb
);
-- The tables that read the topic of a source.
create function mzlite.source_tables(source text) returns setof text language sql stable security definer
set search_path = pg_catalog
begin atomic
    select o.id from mzlite.objects as o where o.type = 'table' and o.details ->> 'source_id' = source;
end;
grant execute on function mzlite.source_tables(text) to materialize;
create index status_history_by_object on mzlite.status_history (object_id, occurred_at);

create function mzlite.record_status() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' or (new.status, new.error, new.details) is distinct from (old.status, old.error, old.details) then
        insert into mzlite.status_history (object_id, occurred_at, status, error, details)
        values (new.object_id, new.updated_at, new.status, new.error, new.details);
    end if;
    return null;
end
$$;
create trigger record_status after insert or update on mzlite.statuses
for each row execute function mzlite.record_status();

create table mzlite.source_statistics (
    object_id text primary key references mzlite.objects on delete cascade,
    messages_received bigint not null default 0,
    bytes_received bigint not null default 0,
    updates_staged bigint not null default 0,
    updates_committed bigint not null default 0,
    records_indexed bigint not null default 0,
    bytes_indexed bigint not null default 0,
    snapshot_records_known bigint,
    snapshot_records_staged bigint,
    snapshot_committed boolean not null default true,
    offset_known bigint,
    offset_committed bigint
);
create table mzlite.sink_statistics (
    object_id text primary key references mzlite.objects on delete cascade,
    messages_staged bigint not null default 0,
    messages_committed bigint not null default 0,
    bytes_staged bigint not null default 0,
    bytes_committed bigint not null default 0
);

-- The first role may do everything in the first database and cluster.
insert into mzlite.privileges (object_type, object_id, grantor_id, grantee_id, privilege)
select o.object_type, o.object_id, 's1', 'u1', p.privilege
from (values ('database', 'u1', 'UC'), ('schema', 'u3', 'UC'), ('cluster', 'u1', 'UC'), ('system', 'system', 'RBNP')) as o (object_type, object_id, privileges)
cross join lateral regexp_split_to_table(o.privileges, '') as p (privilege);

-- What every type, cluster, database and schema gives from the start, as Materialize's do.
insert into mzlite.default_privileges (role_id, object_type, grantee_id, privileges) values
('p', 'type', 'p', 'U'),
('p', 'cluster', 's2', 'U'),
('p', 'database', 's2', 'U'),
('p', 'schema', 's2', 'U');

-- ALTER SYSTEM SET and ALTER ROLE .. SET.
create table mzlite.system_parameters (
    name text primary key,
    value text not null
);
create table mzlite.role_parameters (
    role_id text not null references mzlite.roles on delete cascade,
    name text not null,
    value text not null,
    primary key (role_id, name)
);

create sequence mzlite.network_policy_ids as bigint start 2;
create table mzlite.network_policies (
    id text primary key,
    oid oid not null default nextval('mzlite.oids')::oid,
    name text not null unique,
    owner_id text not null
);
create table mzlite.network_policy_rules (
    policy_id text not null references mzlite.network_policies on delete cascade,
    position integer not null,
    name text not null,
    action text not null,
    direction text not null,
    address text not null,
    primary key (policy_id, name)
);
insert into mzlite.network_policies (id, name, owner_id) values ('u1', 'default', 's1');
insert into mzlite.network_policy_rules (policy_id, position, name, action, direction, address)
values ('u1', 1, 'open_ingress', 'allow', 'ingress', '0.0.0.0/0');

-- Who made, changed and dropped what.
create table mzlite.audit_events (
    id bigint generated always as identity primary key,
    event_type text not null,
    object_type text not null,
    details jsonb not null,
    user_name text,
    occurred_at timestamptz not null default now()
);

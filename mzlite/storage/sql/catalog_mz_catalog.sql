-- mz_catalog: what exists, with the columns of Materialize.

create view mz_catalog.mz_roles as
select id, oid, name, inherit, login as rolcanlogin, superuser as rolsuper from mzlite.shown_roles;

create view mz_catalog.mz_role_members as
select role_id, member_id as member, grantor_id as grantor from mzlite.role_members;

create view mz_catalog.mz_role_parameters as
select role_id, name as parameter_name, mz_internal.restored(value) as parameter_value from mzlite.role_parameters;

create view mz_catalog.mz_databases as
select id, oid, name, owner_id, mz_internal.privileges('database', id, owner_id) as privileges from mzlite.shown_databases;

create view mz_catalog.mz_schemas as
select id, namespace as oid, database_id, name, owner_id, mz_internal.privileges('schema', id, owner_id) as privileges
from mzlite.shown_schemas;

create view mz_catalog.mz_clusters as
select
    id,
    name,
    owner_id,
    mz_internal.privileges('cluster', id, owner_id) as privileges,
    managed,
    size,
    replication_factor::mz_catalog.uint4 as replication_factor,
    case when managed then false end as disk,
    case when managed then '{}'::text[] end as availability_zones,
    introspection_debugging,
    introspection_interval
from mzlite.shown_clusters;

create view mz_catalog.mz_cluster_replicas as
select id, name, cluster_id, size, availability_zone, owner_id, false as disk from mzlite.shown_replicas;

create view mz_catalog.mz_cluster_replica_sizes as
select
    size,
    1::mz_catalog.uint8 as processes,
    workers::mz_catalog.uint8 as workers,
    cpu_nano_cores::mz_catalog.uint8 as cpu_nano_cores,
    memory_bytes::mz_catalog.uint8 as memory_bytes,
    null::mz_catalog.uint8 as disk_bytes,
    credits_per_hour
from mzlite.cluster_replica_sizes;

-- Objects with the id of their schema; what belongs to a session is in schema 0.
create view mzlite.placed_objects as
select o.*, coalesce(s.id, '0') as schema_id
from mzlite.shown_objects as o
left join mzlite.schemas as s on s.namespace = o.namespace;

-- The relations that the system itself has.
create view mzlite.system_relations as
select
    's' || c.oid::text as id,
    c.oid,
    s.id as schema_id,
    c.relname::text as name,
    case c.relkind when 'v' then 'view' else 'table' end as type,
    's1' as owner_id
from pg_catalog.pg_class as c
inner join mzlite.schemas as s on s.namespace = c.relnamespace
where s.id like 's%' and c.relkind in ('r', 'v');

create view mz_catalog.mz_tables as
select
    id,
    oid,
    schema_id,
    name,
    owner_id,
    mz_internal.privileges(type, id, owner_id) as privileges,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.redact(mz_internal.render(create_sql)) as redacted_create_sql,
    details ->> 'source_id' as source_id
from mzlite.placed_objects
where type = 'table'
union all
select id, oid, schema_id, name, owner_id, null, null, null, null from mzlite.system_relations where type = 'table';

create view mz_catalog.mz_sources as
select
    id,
    oid,
    schema_id,
    name,
    details ->> 'source_type' as type,
    details ->> 'connection_id' as connection_id,
    null::text as size,
    details ->> 'envelope_type' as envelope_type,
    details ->> 'key_format' as key_format,
    details ->> 'value_format' as value_format,
    cluster_id,
    owner_id,
    mz_internal.privileges(type, id, owner_id) as privileges,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.render(create_sql) as redacted_create_sql
from mzlite.placed_objects
where type = 'source';

create view mz_catalog.mz_views as
select
    id,
    oid,
    schema_id,
    name,
    mz_internal.render(definition) as definition,
    owner_id,
    mz_internal.privileges(type, id, owner_id) as privileges,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.redact(mz_internal.render(create_sql)) as redacted_create_sql
from mzlite.placed_objects
where type = 'view'
union all
select id, oid, schema_id, name, pg_catalog.pg_get_viewdef(oid), owner_id, null, 'CREATE VIEW ' || name, 'CREATE VIEW ' || name
from mzlite.system_relations
where type = 'view';

create view mz_catalog.mz_materialized_views as
select
    id,
    oid,
    schema_id,
    name,
    cluster_id,
    mz_internal.render(definition) as definition,
    owner_id,
    mz_internal.privileges(type, id, owner_id) as privileges,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.redact(mz_internal.render(create_sql)) as redacted_create_sql
from mzlite.placed_objects
where type = 'materialized-view';

create view mz_catalog.mz_indexes as
select
    id,
    oid,
    name,
    details ->> 'on_id' as on_id,
    cluster_id,
    owner_id,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.redact(mz_internal.render(create_sql)) as redacted_create_sql
from mzlite.placed_objects
where type = 'index';

create view mz_catalog.mz_index_columns as
select
    index_id,
    index_position::mz_catalog.uint8 as index_position,
    on_position::mz_catalog.uint8 as on_position,
    on_expression,
    nullable
from mzlite.shown_index_columns;

create view mz_catalog.mz_sinks as
select
    id,
    oid,
    schema_id,
    name,
    'kafka' as type,
    details ->> 'connection_id' as connection_id,
    null::text as size,
    details ->> 'envelope_type' as envelope_type,
    details ->> 'format' as format,
    details ->> 'key_format' as key_format,
    details ->> 'value_format' as value_format,
    cluster_id,
    owner_id,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.render(create_sql) as redacted_create_sql
from mzlite.placed_objects
where type = 'sink';

create view mz_catalog.mz_connections as
select
    id,
    oid,
    schema_id,
    name,
    details ->> 'connection_type' as type,
    owner_id,
    mz_internal.privileges(type, id, owner_id) as privileges,
    mz_internal.render(create_sql) as create_sql,
    mz_internal.render(create_sql) as redacted_create_sql
from mzlite.placed_objects
where type = 'connection';

create view mz_catalog.mz_kafka_connections as
select
    id,
    array(select jsonb_array_elements_text(details -> 'brokers')) as brokers,
    details ->> 'progress_topic' as sink_progress_topic
from mzlite.shown_objects
where type = 'connection' and details ->> 'connection_type' = 'kafka';

create view mz_catalog.mz_kafka_sources as
select id, coalesce(details ->> 'group_id_prefix', '') as group_id_prefix, details ->> 'topic' as topic
from mzlite.shown_objects
where type = 'source' and details ->> 'source_type' = 'kafka';

create view mz_catalog.mz_kafka_sinks as
select id, details ->> 'topic' as topic from mzlite.shown_objects where type = 'sink';

create view mz_catalog.mz_secrets as
select id, oid, schema_id, name, owner_id, mz_internal.privileges(type, id, owner_id) as privileges
from mzlite.placed_objects
where type = 'secret';

create view mz_catalog.mz_objects as
select
    id,
    oid,
    schema_id,
    name,
    type,
    owner_id,
    cluster_id,
    case when type not in ('index', 'sink') then mz_internal.privileges(type, id, owner_id) end as privileges
from mzlite.placed_objects
union all
select id, oid, schema_id, name, type, owner_id, null, null from mzlite.system_relations;

create view mz_catalog.mz_relations as
select id, oid, schema_id, name, type, owner_id, cluster_id, mz_internal.privileges(type, id, owner_id) as privileges
from mzlite.placed_objects
where relation is not null
union all
select id, oid, schema_id, name, type, owner_id, null, null from mzlite.system_relations;

-- Those of the system's relations as they are known of Materialize; some of PostgreSQL's own have a view in their place.
create view mz_catalog.mz_columns as
select
    r.id,
    mz_internal.whole(a.attname::text) as name,
    coalesce((k.known ->> 'position')::bigint, a.attnum)::mz_catalog.uint8 as position,
    coalesce((k.known ->> 'nullable')::boolean, not coalesce(r.details -> 'not_null' ? a.attname::text, false)) as nullable,
    coalesce(k.known ->> 'type', mz_internal.type_name(a.atttypid)) as type,
    mz_internal.restored(r.details -> 'defaults' ->> a.attname::text) as "default",
    mz_internal.type_oid(a.atttypid) as type_oid,
    a.atttypmod as type_mod
from (
    select id, relation, details, null::jsonb as columns from mzlite.shown_objects where relation is not null
    union all
    select
        s.id, case n.nspname when 'pg_catalog' then coalesce(to_regclass('mzlite_pg.' || quote_ident(s.name))::oid, s.oid) else s.oid end,
        '{}'::jsonb, c.columns
    from mzlite.system_relations as s
    inner join pg_catalog.pg_class as o on o.oid = s.oid
    inner join pg_catalog.pg_namespace as n on n.oid = o.relnamespace
    left join mzlite.system_columns as c on c.relation = n.nspname || '.' || s.name
) as r
inner join pg_catalog.pg_attribute as a on a.attrelid = r.relation
cross join lateral (values (r.columns -> a.attname::text)) as k (known)
where a.attnum > 0 and not a.attisdropped and (r.columns is null or k.known is not null);

create view mz_catalog.mz_system_privileges as
select item as privileges from unnest(mz_internal.privileges('system', 'system', 's1')) as u (item);

create view mz_catalog.mz_default_privileges as
select role_id, database_id, schema_id, object_type, grantee_id as grantee, privileges from mzlite.default_privileges;

create view mz_catalog.mz_audit_events as
select id::mz_catalog.uint8 as id, event_type, object_type, details, user_name as "user", occurred_at from mzlite.audit_events;

create view mz_catalog.mz_timezone_names as
select name::text as name from pg_catalog.pg_timezone_names;

create view mz_catalog.mz_timezone_abbreviations as
select abbrev as abbreviation, utc_offset, is_dst as dst, null::text as timezone_name from pg_catalog.pg_timezone_abbrevs;

create view mz_catalog.mz_cluster_replica_frontiers as
select
    o.id as object_id,
    r.id as replica_id,
    (mz_catalog.mz_now()::bigint + 1)::mz_catalog.mz_timestamp as write_frontier
from mzlite.shown_objects as o
inner join mzlite.shown_replicas as r on r.cluster_id = o.cluster_id;

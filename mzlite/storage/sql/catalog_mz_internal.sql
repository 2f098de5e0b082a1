-- mz_internal: comments, dependencies, and the live state of sources, sinks and maintained objects.

create view mz_internal.mz_comments as
select id, object_type, nullif(object_sub_id, 0) as object_sub_id, comment from mzlite.comments;

create view mz_internal.mz_object_dependencies as
select object_id, referenced_id as referenced_object_id from mzlite.dependencies;

create view mz_internal.mz_object_transitive_dependencies as
with recursive reached (object_id, referenced_object_id) as (
    select object_id, referenced_id from mzlite.dependencies
    union
    select r.object_id, d.referenced_id
    from reached as r
    inner join mzlite.dependencies as d on d.object_id = r.referenced_object_id
)
select object_id, referenced_object_id from reached;

create view mz_internal.mz_object_fully_qualified_names as
select
    o.id, o.name, o.type as object_type, s.id as schema_id, s.name as schema_name, s.database_id, s.database_name, o.cluster_id
from mzlite.shown_objects as o
inner join mzlite.shown_schemas as s on s.namespace = o.namespace;

create view mz_internal.mz_object_lifetimes as
select id, null::text as previous_id, type as object_type, 'create'::text as event_type, created_at as occurred_at
from mzlite.shown_objects;

create view mz_internal.mz_object_history as
select id, cluster_id, type as object_type, created_at, null::timestamptz as dropped_at from mzlite.shown_objects;

create view mz_internal.mz_object_global_ids as
select id, id as global_id from mzlite.shown_objects;

-- Maintained objects: what a cluster keeps up to date.
create view mzlite.maintained as
select
    o.id as object_id,
    o.type,
    o.cluster_id,
    r.id as replica_id,
    not coalesce((o.details ->> 'hydrating')::boolean, false) as hydrated
from mzlite.shown_objects as o
left join mzlite.shown_replicas as r on r.cluster_id = o.cluster_id
where o.type in ('materialized-view', 'index', 'source', 'sink') and coalesce(o.details ->> 'source_type', '') <> 'progress';

create view mz_internal.mz_hydration_statuses as
select object_id, replica_id, hydrated from mzlite.maintained;

create view mz_internal.mz_compute_hydration_statuses as
select object_id, replica_id, hydrated, interval '0' as hydration_time
from mzlite.maintained
where type in ('materialized-view', 'index') and replica_id is not null;

create view mz_internal.mz_compute_hydration_times as
select replica_id, object_id, 0::mz_catalog.uint8 as time_ns
from mzlite.maintained
where type in ('materialized-view', 'index') and replica_id is not null;

create view mz_internal.mz_compute_dependencies as
select d.object_id, d.referenced_id as dependency_id
from mzlite.dependencies as d
inner join mzlite.shown_objects as o on o.id = d.object_id
where o.type in ('materialized-view', 'index');

create view mz_internal.mz_materialization_dependencies as
select d.object_id, d.referenced_id as dependency_id
from mzlite.dependencies as d
inner join mzlite.shown_objects as o on o.id = d.object_id
where o.type in ('materialized-view', 'index', 'sink');

-- Every collection is complete up to the reader's moment.
create view mz_internal.mz_frontiers as
select
    id as object_id,
    mz_catalog.mz_now() as read_frontier,
    (mz_catalog.mz_now()::bigint + 1)::mz_catalog.mz_timestamp as write_frontier
from mzlite.shown_objects
where type in ('table', 'source', 'materialized-view', 'index', 'sink');

create view mz_internal.mz_global_frontiers as
select object_id, write_frontier as "time" from mz_internal.mz_frontiers;

create function mz_internal.wallclock_lag() returns interval
language sql stable parallel restricted
return greatest(clock_timestamp() - mz_catalog.mz_now()::timestamptz, interval '0');

create view mz_internal.mz_wallclock_global_lag as
select object_id, mz_internal.wallclock_lag() as lag from mz_internal.mz_frontiers;

create view mz_internal.mz_wallclock_lag_history as
select
    f.object_id, r.id as replica_id, mz_internal.wallclock_lag() as lag, date_trunc('minute', now()) as occurred_at
from mz_internal.mz_frontiers as f
inner join mzlite.shown_objects as o on o.id = f.object_id
left join mzlite.shown_replicas as r on r.cluster_id = o.cluster_id;

create view mz_internal.mz_wallclock_global_lag_history as
select object_id, min(lag) as lag, occurred_at from mz_internal.mz_wallclock_lag_history group by object_id, occurred_at;

create view mz_internal.mz_wallclock_global_lag_recent_history as
select object_id, lag, occurred_at from mz_internal.mz_wallclock_global_lag_history;

create view mz_internal.mz_materialization_lag as
select
    d.object_id,
    interval '0' as local_lag,
    interval '0' as global_lag,
    min(d.dependency_id) as slowest_local_input_id,
    min(d.dependency_id) as slowest_global_input_id
from mz_internal.mz_materialization_dependencies as d
group by d.object_id;

create view mz_internal.mz_source_statuses as
select
    o.id,
    o.name,
    coalesce(o.details ->> 'source_type', 'table') as type,
    s.updated_at as last_status_change_at,
    coalesce(
        s.status, case when o.details ->> 'source_type' = 'progress' or not o.details ? 'value_format' then 'running' else 'starting' end
    ) as status,
    s.error,
    s.details
from mzlite.shown_objects as o
left join lateral (
    -- A source that only names a topic is as well as the worst of the tables that read it.
    select t.* from mzlite.statuses as t
    where t.object_id in (
        select coalesce(o.details ->> 'progress_of', o.id) union all select r.id from mzlite.source_tables(o.id) as r (id)
    )
    order by t.status = 'running', t.updated_at desc limit 1
) as s on true
where o.type = 'source' or (o.type = 'table' and o.details ? 'source_id');

create view mz_internal.mz_sink_statuses as
select
    o.id, o.name, 'kafka'::text as type, s.updated_at as last_status_change_at, coalesce(s.status, 'starting') as status, s.error, s.details
from mzlite.shown_objects as o
left join mzlite.statuses as s on s.object_id = o.id
where o.type = 'sink';

create view mz_internal.mz_source_status_history as
select h.occurred_at, h.object_id as source_id, h.status, h.error, h.details, null::text as replica_id
from mzlite.status_history as h
inner join mzlite.shown_objects as o on o.id = h.object_id
where o.type = 'source' or (o.type = 'table' and o.details ? 'source_id');

create view mz_internal.mz_sink_status_history as
select h.occurred_at, h.object_id as sink_id, h.status, h.error, h.details, null::text as replica_id
from mzlite.status_history as h
inner join mzlite.shown_objects as o on o.id = h.object_id
where o.type = 'sink';

create view mz_internal.mz_source_statistics_raw as
select
    s.object_id as id,
    r.id as replica_id,
    s.messages_received::mz_catalog.uint8 as messages_received,
    s.bytes_received::mz_catalog.uint8 as bytes_received,
    s.updates_staged::mz_catalog.uint8 as updates_staged,
    s.updates_committed::mz_catalog.uint8 as updates_committed,
    s.records_indexed::mz_catalog.uint8 as records_indexed,
    s.bytes_indexed::mz_catalog.uint8 as bytes_indexed,
    interval '0' as rehydration_latency,
    s.snapshot_records_known::mz_catalog.uint8 as snapshot_records_known,
    s.snapshot_records_staged::mz_catalog.uint8 as snapshot_records_staged,
    s.snapshot_committed,
    s.offset_known::mz_catalog.uint8 as offset_known,
    s.offset_committed::mz_catalog.uint8 as offset_committed
from mzlite.source_statistics as s
inner join mzlite.shown_objects as o on o.id = s.object_id
left join mzlite.shown_objects as p on p.id = o.details ->> 'source_id'
left join mzlite.shown_replicas as r on r.cluster_id = coalesce(o.cluster_id, p.cluster_id);

create view mz_internal.mz_source_statistics as select * from mz_internal.mz_source_statistics_raw;
create view mz_internal.mz_source_statistics_with_history as select * from mz_internal.mz_source_statistics_raw;

create view mz_internal.mz_sink_statistics_raw as
select
    s.object_id as id,
    r.id as replica_id,
    s.messages_staged::mz_catalog.uint8 as messages_staged,
    s.messages_committed::mz_catalog.uint8 as messages_committed,
    s.bytes_staged::mz_catalog.uint8 as bytes_staged,
    s.bytes_committed::mz_catalog.uint8 as bytes_committed
from mzlite.sink_statistics as s
inner join mzlite.shown_objects as o on o.id = s.object_id
left join mzlite.shown_replicas as r on r.cluster_id = o.cluster_id;

create view mz_internal.mz_sink_statistics as select * from mz_internal.mz_sink_statistics_raw;

create view mz_internal.mz_kafka_source_tables as
select
    id,
    details ->> 'topic' as topic,
    details ->> 'envelope_type' as envelope_type,
    details ->> 'key_format' as key_format,
    details ->> 'value_format' as value_format
from mzlite.shown_objects
where type = 'table' and details ? 'source_id';

create view mz_internal.mz_source_references as
select
    id as source_id, null::text as namespace, details ->> 'topic' as name, created_at as updated_at, null::text[] as columns
from mzlite.shown_objects
where type = 'source' and details ->> 'source_type' = 'kafka'
union all
select
    o.id, r ->> 'namespace', r ->> 'name', o.created_at, array(select jsonb_array_elements_text(r -> 'columns'))
from mzlite.shown_objects as o, jsonb_array_elements(o.details -> 'references') as r
where o.type = 'source' and o.details ->> 'source_type' = 'load-generator';

create view mz_internal.mz_materialized_view_refresh_strategies as
select
    o.id as materialized_view_id,
    r ->> 'type' as type,
    (r ->> 'interval')::interval as "interval",
    (r ->> 'aligned_to')::timestamptz as aligned_to,
    (r ->> 'at')::timestamptz as "at"
from mzlite.shown_objects as o
cross join lateral jsonb_array_elements(coalesce(o.details -> 'refresh', '[{"type": "on-commit"}]')) as u (r)
where o.type = 'materialized-view';

create view mz_internal.mz_materialized_view_refreshes as
select
    o.id as materialized_view_id,
    mz_catalog.mz_now() as last_completed_refresh,
    null::mz_catalog.mz_timestamp as next_refresh
from mzlite.shown_objects as o
where o.type = 'materialized-view' and o.details ? 'refresh';

create view mz_internal.mz_cluster_schedules as
select id as cluster_id, schedule as type, hydration_time_estimate as refresh_hydration_time_estimate
from mzlite.shown_clusters
where managed;

create view mz_internal.mz_cluster_auto_scaling_strategies as
select id as cluster_id, 'on-hydration'::text as type, options -> 'AUTO SCALING STRATEGY' as strategy
from mzlite.shown_clusters
where options ? 'AUTO SCALING STRATEGY';

create view mz_internal.mz_cluster_workload_classes as
select id, workload_class from mzlite.shown_clusters;

create view mz_internal.mz_cluster_replica_statuses as
select
    id as replica_id, 0::mz_catalog.uint8 as process_id, 'online'::text as status, null::text as reason, created_at as updated_at
from mzlite.shown_replicas;

create view mz_internal.mz_cluster_replica_status_history as
select
    id as replica_id, 0::mz_catalog.uint8 as process_id, 'online'::text as status, null::text as reason, created_at as occurred_at
from mzlite.shown_replicas;

create view mz_internal.mz_cluster_replica_history as
select
    r.id as replica_id, r.size, r.cluster_id, c.name as cluster_name, r.name as replica_name, r.created_at,
    null::timestamptz as dropped_at, z.credits_per_hour
from mzlite.shown_replicas as r
inner join mzlite.shown_clusters as c on c.id = r.cluster_id
left join mzlite.cluster_replica_sizes as z on z.size = r.size;

create view mz_internal.mz_cluster_deployment_lineage as
select id as cluster_id, id as current_deployment_cluster_id, name as cluster_name from mzlite.shown_clusters;

create view mz_internal.mz_internal_cluster_replicas as select null::text as id where false;
create view mz_internal.mz_pending_cluster_replicas as select null::text as id where false;

create view mz_internal.mz_storage_shards as
select id as object_id, 's' || id as shard_id
from mzlite.shown_objects
where type in ('table', 'source', 'materialized-view');

create view mz_internal.mz_notices as
select
    null::text as id, null::text as notice_type, null::text as message, null::text as hint, null::text as action,
    null::text as redacted_message, null::text as redacted_hint, null::text as redacted_action, null::text as action_type,
    null::text as object_id, now() as created_at
where false;

create view mz_internal.mz_network_policies as
select id, name, owner_id, mz_internal.privileges('network-policy', id, owner_id) as privileges, oid from mzlite.shown_policies;

create view mz_internal.mz_network_policy_rules as
select name, policy_id, action, address, direction from mzlite.shown_policy_rules;

create view mz_internal.mz_cluster_replica_name_history as
select r.created_at as occurred_at, r.id, null::text as previous_name, r.name as new_name from mzlite.shown_replicas as r;

-- Kinds of objects as regclass and regtype see them.
create view mz_internal.mz_object_oid_alias as
select object_type, oid_alias
from (
    values ('table', 'regclass'), ('source', 'regclass'), ('view', 'regclass'), ('materialized-view', 'regclass'),
    ('index', 'regclass'), ('type', 'regtype'), ('function', 'regproc')
) as v (object_type, oid_alias);
create view mz_internal.mz_objects_id_namespace_types as
select object_type
from (
    values ('table'), ('view'), ('materialized-view'), ('source'), ('sink'), ('index'), ('connection'), ('type'), ('function'),
    ('secret')
) as v (object_type);

create view mz_internal.mz_continual_tasks as
select
    null::text as id, null::oid as oid, null::text as schema_id, null::text as name, null::text as cluster_id, null::text as definition,
    null::text as owner_id, null::mz_catalog.mz_aclitem[] as privileges, null::text as create_sql, null::text as redacted_create_sql
where false;

create view mz_internal.mz_history_retention_strategies as
select id, 'FOR'::text as strategy, '1000'::jsonb as value
from mzlite.shown_objects
where type in ('table', 'source', 'materialized-view', 'index');

create view mz_internal.mz_sessions as
select
    md5(pid::text || backend_start::text)::uuid as id,
    greatest(pid, 0)::mz_catalog.uint4 as connection_id,
    'u1'::text as role_id,
    '127.0.0.1'::text as client_ip,
    backend_start as connected_at
from pg_catalog.pg_stat_activity
where usename = 'materialize';

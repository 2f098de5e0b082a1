-- mz_introspection: the dataflows of the maintained objects. An index and a materialized view are a dataflow each, with
-- the rows and bytes of what is kept; what is below a dataflow (operators, channels, workers) does not exist here, so
-- that these relations have their columns and no rows.

-- Rows (as PostgreSQL last estimated them) and bytes of what is kept for an object.
create function mzlite.kept(object_id text, out records bigint, out size bigint)
language sql stable security definer set search_path = pg_catalog as $$
    select coalesce(sum(greatest(c.reltuples, 0))::bigint, 0), coalesce(sum(pg_relation_size(c.oid::regclass))::bigint, 0)
    from mzlite.dataflows as d
    cross join lateral unnest(d.numbers) as u (number)
    inner join pg_class as c on c.relname = 'n_' || u.number
    inner join pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'mzlite_data'
    where d.object_id = kept.object_id
$$;
grant execute on function mzlite.kept(text) to materialize;

create view mz_introspection.mz_compute_exports as
select o.id as export_id, substr(o.id, 2)::mz_catalog.uint8 as dataflow_id
from mzlite.shown_objects as o
where o.type in ('index', 'materialized-view');

create view mz_introspection.mz_dataflow_global_ids as
select e.dataflow_id as id, e.export_id as global_id from mz_introspection.mz_compute_exports as e;

create view mz_introspection.mz_dataflows as
select e.dataflow_id as id, 'Dataflow: ' || mzlite.full_name(e.export_id) as name
from mz_introspection.mz_compute_exports as e;

create view mz_introspection.mz_mappable_objects as
select mzlite.full_name(e.export_id) as name, e.export_id as global_id from mz_introspection.mz_compute_exports as e;

create view mz_introspection.mz_compute_frontiers as
select f.object_id as export_id, f.write_frontier as "time"
from mz_internal.mz_frontiers as f
inner join mz_introspection.mz_compute_exports as e on e.export_id = f.object_id;

create view mz_introspection.mz_dataflow_arrangement_sizes as
select
    d.id, d.name, k.records, 1::bigint as batches, k.size, k.size as capacity, 1::bigint as allocations
from mz_introspection.mz_dataflows as d
inner join mzlite.shown_objects as o on o.id = 'u' || d.id::text
cross join lateral mzlite.kept(coalesce(o.details ->> 'on_id', o.id)) as k;

create view mz_introspection.mz_records_per_dataflow as
select * from mz_introspection.mz_dataflow_arrangement_sizes;

create view mz_introspection.mz_active_peeks as
select
    null::uuid as id, null::text as object_id, null::text as "type", null::mz_catalog.mz_timestamp as "time"
where false;

create view mz_introspection.mz_active_peeks_per_worker as
select
    null::uuid as id, null::mz_catalog.uint8 as worker_id, null::text as object_id, null::text as "type",
    null::mz_catalog.mz_timestamp as "time"
where false;

create view mz_introspection.mz_arrangement_sharing as
select
    null::mz_catalog.uint8 as operator_id, null::bigint as "count"
where false;

create view mz_introspection.mz_arrangement_sharing_per_worker as
select
    null::mz_catalog.uint8 as operator_id, null::mz_catalog.uint8 as worker_id, null::bigint as "count"
where false;

create view mz_introspection.mz_arrangement_sizes as
select
    null::mz_catalog.uint8 as operator_id, null::bigint as records, null::bigint as batches, null::bigint as size,
    null::bigint as capacity, null::bigint as allocations
where false;

create view mz_introspection.mz_arrangement_sizes_per_worker as
select
    null::mz_catalog.uint8 as operator_id, null::mz_catalog.uint8 as worker_id, null::bigint as records, null::bigint
    as batches, null::bigint as size, null::bigint as capacity, null::bigint as allocations
where false;

create view mz_introspection.mz_compute_error_counts as
select
    null::text as export_id, null::numeric as "count"
where false;

create view mz_introspection.mz_compute_error_counts_per_worker as
select
    null::text as export_id, null::mz_catalog.uint8 as worker_id, null::numeric as "count"
where false;

create view mz_introspection.mz_compute_import_frontiers as
select
    null::text as export_id, null::text as import_id, null::mz_catalog.mz_timestamp as "time"
where false;

create view mz_introspection.mz_compute_import_frontiers_per_worker as
select
    null::text as export_id, null::mz_catalog.uint8 as worker_id, null::text as import_id,
    null::mz_catalog.mz_timestamp as "time"
where false;

create view mz_introspection.mz_compute_operator_durations_histogram as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as duration_ns, null::numeric as "count"
where false;

create view mz_introspection.mz_compute_operator_durations_histogram_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::mz_catalog.uint8 as duration_ns,
    null::numeric as "count"
where false;

create view mz_introspection.mz_dataflow_addresses as
select
    null::mz_catalog.uint8 as id, null::bigint[] as address
where false;

create view mz_introspection.mz_dataflow_addresses_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::bigint[] as address
where false;

create view mz_introspection.mz_dataflow_channels as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as from_index, null::mz_catalog.uint8 as from_port,
    null::mz_catalog.uint8 as to_index, null::mz_catalog.uint8 as to_port, null::text as "type"
where false;

create view mz_introspection.mz_dataflow_channels_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::mz_catalog.uint8 as from_index,
    null::mz_catalog.uint8 as from_port, null::mz_catalog.uint8 as to_index, null::mz_catalog.uint8 as to_port,
    null::text as "type"
where false;

create view mz_introspection.mz_dataflow_channel_operators as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as from_operator_id, null::mz_catalog.uint8[] as
    from_operator_address, null::mz_catalog.uint8 as to_operator_id, null::mz_catalog.uint8[] as to_operator_address,
    null::text as "type"
where false;

create view mz_introspection.mz_dataflow_operators as
select
    null::mz_catalog.uint8 as id, null::text as "name"
where false;

create view mz_introspection.mz_dataflow_operators_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::text as "name"
where false;

create view mz_introspection.mz_dataflow_operator_dataflows as
select
    null::mz_catalog.uint8 as id, null::text as "name", null::mz_catalog.uint8 as dataflow_id, null::text as
    dataflow_name
where false;

create view mz_introspection.mz_dataflow_operator_dataflows_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::text as "name", null::mz_catalog.uint8 as
    dataflow_id, null::text as dataflow_name
where false;

create view mz_introspection.mz_dataflow_operator_parents as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as parent_id
where false;

create view mz_introspection.mz_dataflow_operator_parents_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::mz_catalog.uint8 as parent_id
where false;

create view mz_introspection.mz_expected_group_size_advice as
select
    null::mz_catalog.uint8 as dataflow_id, null::text as dataflow_name, null::mz_catalog.uint8 as region_id,
    null::text as region_name, null::bigint as levels, null::bigint as to_cut, null::numeric as savings, null::double
    precision as hint
where false;

-- An object is one operator over its inputs.
create view mz_introspection.mz_lir_mapping as
with inputs as (
    select e.export_id, i.id, row_number() over (partition by e.export_id order by i.id) as place
    from mz_introspection.mz_compute_exports as e
    inner join mzlite.shown_objects as o on o.id = e.export_id
    cross join lateral (
        select o.details ->> 'on_id' as id where o.type = 'index'
        union all
        select d.referenced_id from mzlite.dependencies as d
        inner join mzlite.shown_objects as r on r.id = d.referenced_id and r.relation is not null
        where d.object_id = o.id and o.type <> 'index'
    ) as i
)
select
    e.export_id as global_id,
    (select count(*) + 1 from inputs as i where i.export_id = e.export_id)::mz_catalog.uint8 as lir_id,
    'Arrange'::text as operator,
    null::mz_catalog.uint8 as parent_lir_id,
    0::mz_catalog.uint2 as nesting,
    e.dataflow_id as operator_id_start,
    e.dataflow_id as operator_id_end
from mz_introspection.mz_compute_exports as e
union all
select
    i.export_id, i.place::mz_catalog.uint8, 'Stream ' || i.id,
    (select count(*) + 1 from inputs as o where o.export_id = i.export_id)::mz_catalog.uint8,
    1::mz_catalog.uint2, substr(i.export_id, 2)::mz_catalog.uint8, substr(i.export_id, 2)::mz_catalog.uint8
from inputs as i;

create view mz_introspection.mz_message_counts as
select
    null::mz_catalog.uint8 as channel_id, null::numeric as sent, null::numeric as received, null::numeric as
    batch_sent, null::numeric as batch_received
where false;

create view mz_introspection.mz_message_counts_per_worker as
select
    null::mz_catalog.uint8 as channel_id, null::mz_catalog.uint8 as worker_id, null::numeric as sent, null::numeric as
    received, null::numeric as batch_sent, null::numeric as batch_received
where false;

create view mz_introspection.mz_peek_durations_histogram as
select
    null::text as "type", null::mz_catalog.uint8 as duration_ns, null::numeric as "count"
where false;

create view mz_introspection.mz_peek_durations_histogram_per_worker as
select
    null::text as "type", null::mz_catalog.uint8 as worker_id, null::mz_catalog.uint8 as duration_ns, null::numeric as
    "count"
where false;

create view mz_introspection.mz_records_per_dataflow_operator as
select
    null::mz_catalog.uint8 as id, null::text as "name", null::mz_catalog.uint8 as dataflow_id, null::bigint as
    records, null::bigint as batches, null::bigint as size, null::bigint as capacity, null::bigint as allocations
where false;

create view mz_introspection.mz_records_per_dataflow_operator_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::text as "name", null::mz_catalog.uint8 as
    dataflow_id, null::bigint as records, null::bigint as batches, null::bigint as size, null::bigint as capacity,
    null::bigint as allocations
where false;

create view mz_introspection.mz_scheduling_elapsed as
select
    null::mz_catalog.uint8 as id, null::numeric as elapsed_ns
where false;

create view mz_introspection.mz_scheduling_elapsed_per_worker as
select
    null::mz_catalog.uint8 as id, null::mz_catalog.uint8 as worker_id, null::numeric as elapsed_ns
where false;

create view mz_introspection.mz_scheduling_parks_histogram as
select
    null::mz_catalog.uint8 as slept_for_ns, null::mz_catalog.uint8 as requested_ns, null::numeric as "count"
where false;

create view mz_introspection.mz_scheduling_parks_histogram_per_worker as
select
    null::mz_catalog.uint8 as slept_for_ns, null::mz_catalog.uint8 as worker_id, null::mz_catalog.uint8 as
    requested_ns, null::numeric as "count"
where false;

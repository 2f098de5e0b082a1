{{ config(materialized='view') }}

-- No contract: dbt-materialize checks one with a view of `select *` over this,
-- which Materialize refuses over the system's relations.
-- No maintained view: it reads the wall clock and the engine's own frontier.
-- Of that, only mz_catalog is for views; mz_internal may change any time.
with

gold_views as (

    {{ rows_of_gold_views() }}

),

frontiers as (

    select
        gold_schemas.name as schema_name,
        maintained.name as view_name,
        frontier.write_frontier::timestamp with time zone as complete_until
    from mz_catalog.mz_cluster_replica_frontiers as frontier
    inner join mz_catalog.mz_materialized_views as maintained
        on frontier.object_id = maintained.id
    inner join mz_catalog.mz_schemas as gold_schemas
        on maintained.schema_id = gold_schemas.id
    inner join mz_catalog.mz_databases as gold_databases
        on gold_schemas.database_id = gold_databases.id
    where gold_databases.name = '{{ target.database }}'

)

select
    gold_views.system,
    gold_views.view_name,
    frontiers.complete_until,
    greatest(now() - frontiers.complete_until, interval '0') as lag,
    now() - frontiers.complete_until
    <= interval '{{ var("slo_latency") }}' as is_met
from gold_views
inner join frontiers
    on
        gold_views.schema_name = frontiers.schema_name
        and gold_views.view_name = frontiers.view_name

-- Do all sources and sinks run, and if not, what is wrong?
select
    type,
    name,
    status,
    error,
    last_status_change_at
from mz_internal.mz_source_statuses
where id like 'u%'

union all

select
    type,
    name,
    status,
    error,
    last_status_change_at
from mz_internal.mz_sink_statuses
where id like 'u%'
order by type asc, name asc

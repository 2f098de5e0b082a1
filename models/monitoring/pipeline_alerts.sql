{{ config(contract={'enforced': true}) }}

with

promises as (

    select * from {{ ref('monitor_slo') }}

),

broken as (

    select
        system,
        is_latency_met,
        is_schema_met,
        is_consistency_met
    from promises
    where not is_met

)

-- The key of the sink must be unique in a way that the engine can prove. No
-- figures: a message is to follow a change of the promises, not each event.
select distinct on (system)
    system,
    'PROMISE_BROKEN' as alert_type,
    not is_latency_met as is_slow,
    not is_schema_met as is_malformed,
    not is_consistency_met as is_inconsistent
from broken
order by system asc

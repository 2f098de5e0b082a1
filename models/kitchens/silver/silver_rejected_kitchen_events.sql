with

events as (

    select * from {{ ref('bronze_all_events') }}

),

rejected as (

    {{ failed_expectations('events', kitchen_event_expectations()) }}

)

select
    rule,
    event_id,
    event_type,
    order_id,
    gk_id,
    location,
    sequence,
    ts,
    body,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

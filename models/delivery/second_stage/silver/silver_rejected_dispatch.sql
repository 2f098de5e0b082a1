with

events as (

    select * from {{ ref('bronze_dispatch') }}

),

rejected as (

    {{ failed_expectations('events', dispatch_expectations()) }}

)

select
    rule,
    order_id,
    driver_key,
    action,
    dropoff_latitude,
    dropoff_longitude,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

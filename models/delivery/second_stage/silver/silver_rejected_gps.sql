with

events as (

    select * from {{ ref('bronze_gps') }}

),

rejected as (

    {{ failed_expectations('events', gps_expectations()) }}

)

select
    rule,
    driver_key,
    order_id,
    latitude,
    longitude,
    speed_kph,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

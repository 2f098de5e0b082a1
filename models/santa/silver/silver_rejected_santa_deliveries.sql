with

events as (

    select * from {{ ref('bronze_santa_deliveries') }}

),

rejected as (

    {{ failed_expectations('events', santa_delivery_expectations()) }}

)

select
    rule,
    delivery_id,
    event_time,
    city,
    country,
    region,
    latitude,
    longitude,
    gift_type,
    gift_count,
    status,
    weather,
    sleigh_speed_kmh,
    delivery_time_s,
    reindeer_energy,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

with

events as (

    select * from {{ ref('bronze_santa_deliveries') }}

),

weather_impacts as (

    select * from {{ ref('santa_weather') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(santa_delivery_expectations()) }}
        and {{ is_timely(
            'event_time', 'kafka_timestamp', var('santa_lateness')
        ) }}
        and {{ is_retained('event_time', '1 hour', var('santa_retention')) }}

),

-- A delivery has one event per status and moment, however often it is sent.
first_seen as (

    select distinct on (delivery_id, status, event_time) *
    from accepted
    order by
        delivery_id asc,
        status asc,
        event_time asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

),

with_impact as (

    select
        first_seen.*,
        coalesce(weather_impacts.impact, 1) as weather_impact
    from first_seen
    left join weather_impacts
        on first_seen.weather = weather_impacts.weather

)

select
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
    weather_impact,
    kafka_timestamp as ingestion_time,
    event_time::date as delivery_date,
    extract(hour from event_time)::integer as delivery_hour,
    extract(minute from event_time)::integer as delivery_minute,
    status = 'delivered' as is_delivered,
    status = 'delayed' as is_delayed,
    round(
        sleigh_speed_kmh / weather_impact * (100 + reindeer_energy) / 200, 2
    ) as effective_speed,
    round(delivery_time_s * weather_impact, 2) as adjusted_delivery_time
from with_impact

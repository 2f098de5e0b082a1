with

events as (

    select * from {{ ref('bronze_gps') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(gps_expectations()) }}
        and {{ is_timely('dt_current_timestamp', 'kafka_timestamp') }}
        -- As long as any order that the position can belong to.
        and {{ is_retained(
            "dt_current_timestamp + interval '"
            ~ var('status_join_hours') ~ " hours'"
        ) }}

),

first_seen as (

    select distinct on (driver_key, dt_current_timestamp)
        driver_key,
        order_id,
        latitude,
        longitude,
        speed_kph,
        dt_current_timestamp as reported_at
    from accepted
    order by
        driver_key asc,
        dt_current_timestamp asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

with

events as (

    select * from {{ ref('bronze_dispatch') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(dispatch_expectations()) }}
        and {{ is_timely('dt_current_timestamp', 'kafka_timestamp') }}
        -- As long as any order that the event can belong to.
        and {{ is_retained(
            "dt_current_timestamp + interval '"
            ~ var('status_join_hours') ~ " hours'"
        ) }}

),

first_seen as (

    select distinct on (order_id, driver_key, action, dt_current_timestamp)
        order_id,
        driver_key,
        action,
        dropoff_latitude,
        dropoff_longitude,
        dt_current_timestamp as dispatched_at
    from accepted
    order by
        order_id asc,
        driver_key asc,
        action asc,
        dt_current_timestamp asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

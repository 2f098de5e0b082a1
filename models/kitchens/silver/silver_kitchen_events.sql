with

events as (

    select * from {{ ref('bronze_all_events') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(kitchen_event_expectations()) }}
        and {{ is_timely('ts', 'kafka_timestamp', var('kitchens_lateness')) }}
        and {{ is_retained('ts', '1 day', var('kitchens_retention')) }}

),

first_seen as (

    select distinct on (event_id)
        event_id,
        event_type,
        order_id,
        gk_id,
        location,
        sequence,
        ts,
        body
    from accepted
    order by
        event_id asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

with

typed as (

    select * from {{ ref('bronze_kitchen_events_typed') }}

),

events as (

    select
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
    from typed
    where
        {{ fits_contract(kitchen_event_contract()) }}

)

select * from events

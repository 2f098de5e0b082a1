with

typed as (

    select * from {{ ref('bronze_events_typed') }}

),

events as (

    select
        event_id,
        user_id,
        product_id,
        event_type,
        price,
        quantity,
        currency,
        ts,
        country,
        device,
        campaign,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(web_event_contract()) }}

)

select * from events

with

accepted as (

    select * from {{ ref('silver_accepted_events') }}

),

first_seen as (

    select distinct on (event_id)
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
        kafka_timestamp as ingestion_time
    from accepted
    order by
        event_id asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

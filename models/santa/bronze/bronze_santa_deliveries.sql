with

typed as (

    select * from {{ ref('bronze_santa_typed') }}

),

deliveries as (

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
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(santa_delivery_contract()) }}

)

select * from deliveries

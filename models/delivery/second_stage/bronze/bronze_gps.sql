with

typed as (

    select * from {{ ref('bronze_gps_typed') }}

),

positions as (

    select
        driver_key,
        order_id,
        latitude,
        longitude,
        speed_kph,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(gps_contract()) }}

)

select * from positions

with

typed as (

    select * from {{ ref('bronze_dispatch_typed') }}

),

dispatches as (

    select
        order_id,
        driver_key,
        action,
        dropoff_latitude,
        dropoff_longitude,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(dispatch_contract()) }}

)

select * from dispatches

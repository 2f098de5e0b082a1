with

typed as (

    select * from {{ ref('bronze_status_typed') }}

),

status as (

    select
        status_id,
        order_identifier,
        status_name,
        status_time,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(status_contract()) }}

)

select * from status

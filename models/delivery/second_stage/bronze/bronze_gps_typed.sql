with

decoded as (

    select * from {{ ref('bronze_gps_decoded') }}

),

typed as (

    select
        {{ typed_columns(gps_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

with

decoded as (

    select * from {{ ref('bronze_status_decoded') }}

),

typed as (

    select
        {{ typed_columns(status_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

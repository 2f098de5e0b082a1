with

decoded as (

    select * from {{ ref('bronze_dispatch_decoded') }}

),

typed as (

    select
        {{ typed_columns(dispatch_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

with

decoded as (

    select * from {{ ref('bronze_payments_decoded') }}

),

typed as (

    select
        {{ typed_columns(payments_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

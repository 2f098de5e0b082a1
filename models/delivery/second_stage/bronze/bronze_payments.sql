with

typed as (

    select * from {{ ref('bronze_payments_typed') }}

),

payments as (

    select
        payment_id,
        order_id,
        amount,
        currency,
        method,
        payment_status,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(payments_contract()) }}

)

select * from payments

with

typed as (

    select * from {{ ref('bronze_orders_typed') }}

),

orders as (

    select
        order_id,
        user_key,
        restaurant_key,
        driver_key,
        payment_id,
        total_amount,
        order_date,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(orders_contract()) }}

)

select * from orders

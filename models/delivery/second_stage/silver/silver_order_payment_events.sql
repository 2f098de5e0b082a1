with

orders as (

    select * from {{ ref('silver_orders') }}

),

payments as (

    select * from {{ ref('silver_payments') }}

),

-- Both sides are bounded by their own temporal filters, and so is the join. A
-- step may come long after its order, but not before it.
joined as (

    select
        orders.order_id,
        orders.restaurant_key,
        orders.user_key,
        orders.total_amount,
        orders.order_date,
        payments.payment_id,
        payments.amount,
        payments.method,
        payments.payment_status,
        payments.payment_time,
        payments.kafka_partition,
        payments.kafka_offset
    from orders
    left join payments
        on
            orders.order_id = payments.order_id
            and orders.order_date - {{ status_join_reach() }}
            <= payments.payment_time

)

select * from joined

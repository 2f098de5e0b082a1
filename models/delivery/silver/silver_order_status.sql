with

orders as (

    select * from {{ ref('silver_orders') }}

),

status as (

    select * from {{ ref('silver_status') }}

),

-- Both sides are bounded by their own temporal filters, and so is the join.
joined as (

    select
        orders.order_id,
        orders.restaurant_key,
        orders.driver_key,
        orders.user_key,
        orders.total_amount,
        orders.order_date,
        status.status_id,
        status.status_name,
        status.status_time
    from orders
    left join status
        on
            orders.order_id = status.order_identifier
            and status.status_time between
            orders.order_date - {{ status_join_reach() }}
            and orders.order_date + {{ status_join_reach() }}

)

select * from joined

with

order_status as (

    select * from {{ ref('silver_order_status') }}

),

delayed_orders as (

    select * from {{ ref('silver_delayed_orders') }}

),

-- What an order's events say, once it has moved on: it was prepared, no event
-- that ends the preparation came by the mark, and one came after it.
preparations as (

    select
        order_id,
        restaurant_key,
        order_date,
        count(*) filter (where status_name = 'preparing') as preparation_starts,
        count(*) filter (
            where
            status_name != 'preparing'
            and status_time <= {{ delay_mark('order_date') }}
        ) as timely_ends,
        count(*) filter (
            where
            status_name != 'preparing'
            and status_time > {{ delay_mark('order_date') }}
        ) as delayed_ends
    from order_status
    where
        status_name in (
            'preparing', 'ready', 'picked_up', 'delivered', 'cancelled'
        )
    group by order_id, restaurant_key, order_date

),

past_delays as (

    select
        order_id,
        restaurant_key,
        order_date
    from preparations
    where
        preparation_starts > 0
        and timely_ends = 0
        and delayed_ends > 0

),

-- An order counts once, even if it went back to `preparing` and is late again.
delays as (

    select
        order_id,
        restaurant_key,
        order_date
    from past_delays

    union distinct

    select
        order_id,
        restaurant_key,
        order_date
    from delayed_orders

)

select * from delays

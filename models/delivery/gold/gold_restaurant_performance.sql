{{
    config(
        indexes=[{'columns': ['restaurant_key'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select * from {{ ref('silver_orders') }}

),

delays as (

    select * from {{ ref('silver_order_delays') }}

),

-- Two kinds of rows in one aggregate instead of a join of two aggregates.
measures as (

    select
        restaurant_key,
        {{ window_start('order_date') }} as window_start,
        driver_key,
        total_amount,
        1 as orders,
        0 as delays
    from orders
    where restaurant_key is not null

    union all

    select
        restaurant_key,
        {{ window_start('order_date') }} as window_start,
        null::text as driver_key,
        null::numeric as total_amount,
        0 as orders,
        1 as delays
    from delays
    where restaurant_key is not null

),

windows as (

    select
        restaurant_key,
        window_start,
        sum(orders) as total_orders,
        count(distinct driver_key) as unique_drivers,
        sum(total_amount) as total_revenue,
        sum(delays) as delayed_orders
    from measures
    group by restaurant_key, window_start

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    restaurant_key,
    total_orders,
    unique_drivers,
    total_revenue,
    round(total_revenue / nullif(total_orders, 0), 2) as avg_order_value,
    delayed_orders,
    round(delayed_orders::numeric / nullif(total_orders, 0), 4) as delay_rate
from windows

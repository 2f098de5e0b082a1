{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select * from {{ ref('silver_orders') }}

),

windows as (

    select
        {{ window_start('order_date') }} as window_start,
        count(*) as total_orders,
        count(distinct user_key) as unique_users,
        count(distinct restaurant_key) as unique_restaurants,
        count(distinct driver_key) as unique_drivers,
        sum(total_amount) as total_revenue
    from orders
    group by window_start

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    total_orders,
    total_revenue,
    unique_users,
    unique_restaurants,
    unique_drivers,
    round(total_revenue / total_orders, 2) as avg_order_value,
    round(total_orders::numeric / {{ var('window_minutes') }}, 2)
        as orders_per_minute,
    round(total_revenue / {{ var('window_minutes') }}, 2)
        as revenue_per_minute
from windows

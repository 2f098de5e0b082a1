-- Restaurants together have every order that names one, every delay, and their
-- revenue, window by window.
with

gold as (

    select
        window_start,
        total_orders,
        total_revenue,
        delayed_orders
    from {{ ref('gold_restaurant_performance') }}

),

silver as (

    select
        {{ window_start('order_date') }} as window_start,
        -1 as total_orders,
        -total_amount as total_revenue,
        0 as delayed_orders
    from {{ ref('silver_orders') }}
    where restaurant_key is not null

),

delays as (

    select
        {{ window_start('order_date') }} as window_start,
        0 as total_orders,
        0 as total_revenue,
        -1 as delayed_orders
    from {{ ref('silver_order_delays') }}
    where restaurant_key is not null

),

all_sides as (

    select * from gold
    union all
    select * from silver
    union all
    select * from delays

)

select
    window_start,
    sum(total_orders) as surplus_orders,
    sum(total_revenue) as surplus_revenue,
    sum(delayed_orders) as surplus_delays
from all_sides
group by window_start
having
    sum(total_orders) != 0
    or sum(total_revenue) != 0
    or sum(delayed_orders) != 0

-- Locations together have every order that names one, once, hour by hour.
with

both_sides as (

    select
        window_start,
        location,
        orders,
        revenue
    from {{ ref('gold_location_sales_hourly') }}

    union all

    select
        {{ window_start('order_ts', '1 hour') }} as window_start,
        location,
        -1 as orders,
        -revenue as revenue
    from {{ ref('gold_order_header') }}
    where location is not null

)

select
    window_start,
    location,
    sum(orders) as surplus_orders,
    sum(revenue) as surplus_revenue
from both_sides
group by window_start, location
having sum(orders) != 0 or sum(revenue) != 0

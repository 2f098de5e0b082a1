-- The buckets of a window hold each delivered order once, and their percentages
-- make 100 up to rounding.
with

gold as (

    select
        window_start,
        order_count,
        percentage
    from {{ ref('gold_delivery_time_distribution') }}

),

silver as (

    select
        {{ window_start('order_date') }} as window_start,
        -1 as order_count,
        0 as percentage
    from {{ ref('silver_current_orders') }}
    where status_name = 'delivered'

),

both_sides as (

    select * from gold
    union all
    select * from silver

)

select
    window_start,
    sum(order_count) as surplus_orders,
    sum(percentage) as percentage
from both_sides
group by window_start
having sum(order_count) != 0 or abs(sum(percentage) - 100) > 0.02

-- Orders and revenue of gold are those of silver, window by window.
with

gold as (

    select
        window_start,
        total_orders,
        total_revenue
    from {{ ref('gold_system_health') }}

),

silver as (

    select
        {{ window_start('order_date') }} as window_start,
        -1 as total_orders,
        -total_amount as total_revenue
    from {{ ref('silver_orders') }}

),

both_sides as (

    select * from gold
    union all
    select * from silver

)

select
    window_start,
    sum(total_orders) as surplus_orders,
    sum(total_revenue) as surplus_revenue
from both_sides
group by window_start
having sum(total_orders) != 0 or sum(total_revenue) != 0

-- Payments have every order of the window once, at its price, whatever its
-- method and its state.
with

gold as (

    select
        window_start,
        orders,
        ordered_amount
    from {{ ref('gold_payment_health') }}

),

silver as (

    select
        {{ window_start('order_date') }} as window_start,
        -1 as orders,
        -total_amount as ordered_amount
    from {{ ref('silver_orders') }}

),

both_sides as (

    select * from gold
    union all
    select * from silver

)

select
    window_start,
    sum(orders) as surplus_orders,
    sum(ordered_amount) as surplus_amount
from both_sides
group by window_start
having sum(orders) != 0 or sum(ordered_amount) != 0

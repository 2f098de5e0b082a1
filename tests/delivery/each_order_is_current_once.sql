-- The join and the choice of the latest status lose no order and invent none.
with

orders as (

    select
        order_id,
        total_amount,
        1 as occurrences
    from {{ ref('silver_orders') }}

),

current_orders as (

    select
        order_id,
        total_amount,
        -1 as occurrences
    from {{ ref('silver_current_orders') }}

),

both_sides as (

    select * from orders
    union all
    select * from current_orders

)

select
    order_id,
    total_amount,
    sum(occurrences) as surplus
from both_sides
group by order_id, total_amount
having sum(occurrences) != 0

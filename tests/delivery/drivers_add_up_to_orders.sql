-- Drivers together have every order that is assigned to one and their share of
-- its amount, and complete what was delivered, window by window.
with

gold as (

    select
        window_start,
        total_deliveries,
        total_earnings,
        completed_deliveries
    from {{ ref('gold_driver_performance') }}

),

silver as (

    select
        {{ window_start('order_date') }} as window_start,
        -1 as total_deliveries,
        -total_amount * {{ var('driver_share') }} as total_earnings,
        case when status_name = 'delivered' then -1 else 0 end
            as completed_deliveries
    from {{ ref('silver_current_orders') }}
    where driver_key is not null

),

both_sides as (

    select * from gold
    union all
    select * from silver

)

select
    window_start,
    sum(total_deliveries) as surplus_deliveries,
    sum(total_earnings) as surplus_earnings,
    sum(completed_deliveries) as surplus_completed
from both_sides
group by window_start
having
    sum(total_deliveries) != 0
    or sum(total_earnings) != 0
    or sum(completed_deliveries) != 0

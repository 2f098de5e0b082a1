{{
    config(
        indexes=[{'columns': ['driver_key'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select * from {{ ref('silver_orders') }}

),

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

-- Two kinds of rows in one aggregate instead of a join of two aggregates.
measures as (

    select
        driver_key,
        {{ window_start('order_date') }} as window_start,
        restaurant_key,
        total_amount,
        1 as deliveries,
        0 as completions
    from orders
    where driver_key is not null

    union all

    select
        driver_key,
        {{ window_start('order_date') }} as window_start,
        null::text as restaurant_key,
        null::numeric as total_amount,
        0 as deliveries,
        1 as completions
    from current_orders
    where driver_key is not null and status_name = 'delivered'

),

windows as (

    select
        driver_key,
        window_start,
        sum(deliveries) as total_deliveries,
        count(distinct restaurant_key) as unique_restaurants,
        sum(total_amount) as total_amount,
        sum(completions) as completed_deliveries
    from measures
    group by driver_key, window_start

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    driver_key,
    total_deliveries,
    unique_restaurants,
    total_amount * {{ var('driver_share') }} as total_earnings,
    round(total_amount / nullif(total_deliveries, 0), 2)
        as avg_delivery_value,
    completed_deliveries,
    round(completed_deliveries::numeric / nullif(total_deliveries, 0), 4)
        as completion_rate
from windows

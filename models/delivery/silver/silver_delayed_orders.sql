{{
    config(
        indexes=[{'columns': ['restaurant_key'], 'cluster': 'serve'}]
    )
}}

with

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

preparing as (

    select
        *,
        {{ delay_mark('order_date') }} as delay_mark
    from current_orders
    where status_name = 'preparing'

),

delayed as (

    select
        *,
        greatest(status_time, delay_mark) as delayed_since
    from preparing
    -- An event after the mark needs no clock, so its moment is always past.
    -- For any other the clock decides; no event has to happen.
    where
        {{ logical_now() }} > case
            when status_time > delay_mark then timestamp '1970-01-01'
            else delay_mark
        end

)

select
    order_id,
    restaurant_key,
    driver_key,
    user_key,
    total_amount,
    order_date,
    status_id,
    status_name,
    status_time,
    delayed_since,
    {{ whole_minutes_between('order_date', 'delayed_since') }} as delay_minutes
from delayed

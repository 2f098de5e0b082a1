{{
    config(
        indexes=[{'columns': ['location'], 'cluster': 'serve'}]
    )
}}

with

items as (

    select * from {{ ref('silver_order_items') }}

),

hours as (

    select
        location,
        {{ window_start('order_ts', '1 hour') }} as window_start,
        count(distinct order_id) as orders,
        sum(extended_price) as revenue
    from items
    where location is not null
    group by location, window_start

)

select
    window_start,
    {{ window_end('window_start', '1 hour') }} as window_end,
    location,
    orders,
    revenue
from hours

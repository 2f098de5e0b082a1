{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

events as (

    select * from {{ ref('silver_events') }}

),

windows as (

    select
        {{ window_start('ts', '1 minute') }} as window_start,
        device,
        country,
        count(*) filter (where event_type = 'page_view') as views,
        count(*) filter (where event_type = 'add_to_cart') as carts,
        count(*) filter (where event_type = 'purchase') as purchases
    from events
    where device is not null and country is not null
    group by window_start, device, country

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    device,
    country,
    views,
    carts,
    purchases,
    round(carts::numeric / greatest(views, 1), 4) as carts_per_view,
    round(purchases::numeric / greatest(carts, 1), 4) as purchases_per_cart
from windows

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
        count(*) filter (where event_type = 'purchase') as orders,
        coalesce(
            sum(price * quantity) filter (where event_type = 'purchase'), 0
        ) as gmv,
        count(distinct user_id) filter (where event_type = 'purchase')
            as purchase_users,
        count(distinct user_id) filter (where event_type = 'page_view')
            as view_users,
        count(distinct user_id) as active_users
    from events
    group by window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    orders,
    gmv,
    purchase_users,
    view_users,
    active_users,
    round(purchase_users::numeric / greatest(view_users, 1), 4)
        as conversion_rate
from windows

{{
    config(
        indexes=[{'columns': ['campaign'], 'cluster': 'serve'}]
    )
}}

with

events as (

    select * from {{ ref('silver_events') }}

),

windows as (

    select
        {{ window_start('ts', '1 minute') }} as window_start,
        campaign,
        count(distinct user_id) as active_users,
        count(*) filter (where event_type = 'purchase') as orders,
        coalesce(
            sum(price * quantity) filter (where event_type = 'purchase'), 0
        ) as revenue
    from events
    where campaign is not null
    group by window_start, campaign

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    campaign,
    active_users,
    orders,
    revenue
from windows

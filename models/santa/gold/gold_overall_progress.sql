{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

deliveries as (

    select * from {{ ref('silver_santa_deliveries') }}

),

by_weather as (

    select
        {{ window_start('event_time', '10 minutes') }} as window_start,
        coalesce(weather, 'unknown') as weather,
        {{ delivery_measures() }}
    from deliveries
    group by window_start, weather

),

windows as (

    select
        window_start,
        sum(events)::bigint as events,
        sum(gifts)::bigint as gifts,
        sum(delivered)::bigint as delivered,
        sum(delayed)::bigint as delayed,
        jsonb_object_agg(weather, events) as events_by_weather
    from by_weather
    group by window_start

)

select
    window_start,
    {{ window_end('window_start', '10 minutes') }} as window_end,
    events,
    gifts,
    delivered,
    delayed,
    sum(delivered) over (
        order by window_start asc
        rows between unbounded preceding and current row
    )::bigint as total_delivered,
    sum(gifts) over (
        order by window_start asc
        rows between unbounded preceding and current row
    )::bigint as total_gifts,
    events_by_weather
from windows

{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

deliveries as (

    select * from {{ ref('silver_santa_deliveries') }}

),

windows as (

    select
        {{ window_start('event_time', '1 minute') }} as window_start,
        {{ delivery_measures() }},
        avg(sleigh_speed_kmh) as avg_speed_kmh,
        avg(delivery_time_s) as avg_delivery_time_s
    from deliveries
    group by window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    events,
    gifts,
    delivered,
    delayed,
    {{ success_rate() }} as success_rate,
    round(avg_speed_kmh, 2) as avg_speed_kmh,
    round(avg_delivery_time_s, 2) as avg_delivery_time_s
from windows

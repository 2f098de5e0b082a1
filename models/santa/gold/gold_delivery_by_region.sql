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
        {{ window_start('event_time', '5 minutes') }} as window_start,
        region,
        {{ delivery_measures() }}
    from deliveries
    where region is not null
    group by window_start, region

)

select
    window_start,
    {{ window_end('window_start', '5 minutes') }} as window_end,
    region,
    events,
    gifts,
    delivered,
    delayed,
    {{ success_rate() }} as success_rate
from windows

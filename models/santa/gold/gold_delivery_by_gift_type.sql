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
        gift_type,
        {{ delivery_measures() }}
    from deliveries
    where gift_type is not null
    group by window_start, gift_type

)

select
    window_start,
    {{ window_end('window_start', '5 minutes') }} as window_end,
    gift_type,
    events,
    gifts,
    delivered,
    delayed,
    {{ success_rate() }} as success_rate
from windows

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
        {{ window_start('event_time', '15 minutes') }} as window_start,
        city,
        country,
        {{ delivery_measures() }}
    from deliveries
    where city is not null
    group by window_start, city, country

),

ranked as (

    select
        window_start,
        city,
        country,
        events,
        gifts,
        delivered,
        delayed,
        row_number() over (
            partition by window_start
            order by gifts desc, delivered desc, city asc, country asc
        ) as rank
    from windows

)

select
    window_start,
    {{ window_end('window_start', '15 minutes') }} as window_end,
    rank,
    city,
    country,
    events,
    gifts,
    delivered,
    delayed
from ranked

with

events as (

    select * from {{ ref('bronze_web_events') }}

),

-- Counted before the minutes expire: a few groups are kept, not the events.
minutes as (

    select
        {{ window_start('kafka_timestamp', '1 minute') }} as window_start,
        count(*) as events,
        avg({{ milliseconds_between('ts', 'kafka_timestamp') }})
            as avg_latency_ms,
        max({{ milliseconds_between('ts', 'kafka_timestamp') }})
            as max_latency_ms,
        max(ts) as watermark,
        max(kafka_timestamp) as newest_arrival
    from events
    where ts is not null
    group by window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    events,
    round(events::numeric / 60, 2) as events_per_second,
    round(avg_latency_ms, 1) as avg_latency_ms,
    max_latency_ms,
    watermark,
    {{ milliseconds_between('watermark', 'newest_arrival') }} as freshness_ms
from minutes
where {{ window_is_retained('window_start', '1 minute') }}

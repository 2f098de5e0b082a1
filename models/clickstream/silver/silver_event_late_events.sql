with

events as (

    select * from {{ ref('bronze_web_events') }}

),

valid as (

    select
        'web-events' as topic,
        ts as event_time,
        kafka_timestamp
    from events
    where {{ meets_expectations(web_event_expectations()) }}

),

windows as (

    {{ late_event_counts('valid', var('clickstream_lateness')) }}

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    topic,
    events,
    late_events,
    early_events
from windows
where {{ window_is_retained('window_start') }}

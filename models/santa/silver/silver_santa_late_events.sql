with

events as (

    select * from {{ ref('bronze_santa_deliveries') }}

),

valid as (

    select
        'santa-deliveries' as topic,
        event_time,
        kafka_timestamp
    from events
    where {{ meets_expectations(santa_delivery_expectations()) }}

),

windows as (

    {{ late_event_counts('valid', var('santa_lateness')) }}

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

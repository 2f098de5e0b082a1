with

events as (

    select * from {{ ref('bronze_all_events') }}

),

valid as (

    select
        'kitchen-events' as topic,
        ts as event_time,
        kafka_timestamp
    from events
    where {{ meets_expectations(kitchen_event_expectations()) }}

),

windows as (

    {{ late_event_counts('valid', var('kitchens_lateness')) }}

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

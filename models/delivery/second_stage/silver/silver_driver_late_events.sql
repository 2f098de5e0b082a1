with

dispatch as (

    select * from {{ ref('bronze_dispatch') }}

),

gps as (

    select * from {{ ref('bronze_gps') }}

),

events as (

    select
        'dispatch' as topic,
        dt_current_timestamp as event_time,
        kafka_timestamp
    from dispatch
    where {{ meets_expectations(dispatch_expectations()) }}

    union all

    select
        'gps' as topic,
        dt_current_timestamp as event_time,
        kafka_timestamp
    from gps
    where {{ meets_expectations(gps_expectations()) }}

),

windows as (

    {{ late_event_counts('events') }}

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

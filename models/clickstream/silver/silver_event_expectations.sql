with

events as (

    select * from {{ ref('bronze_web_events') }}

),

windows as (

    {{ failures_by_window('events', web_event_expectations()) }}

),

expectations as (

    {{ unpivot_failures(
        'windows', ['window_start'], 'web-events',
        web_event_expectations()
    ) }}

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    topic,
    rule,
    evaluated_events,
    failed_events
from expectations
where {{ window_is_retained('window_start') }}

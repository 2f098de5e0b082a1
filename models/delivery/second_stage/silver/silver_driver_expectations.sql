with

dispatch as (

    select * from {{ ref('bronze_dispatch') }}

),

gps as (

    select * from {{ ref('bronze_gps') }}

),

dispatch_windows as (

    {{ failures_by_window('dispatch', dispatch_expectations()) }}

),

gps_windows as (

    {{ failures_by_window('gps', gps_expectations()) }}

),

expectations as (

    {{ unpivot_failures(
        'dispatch_windows', ['window_start'], 'dispatch', dispatch_expectations()
    ) }}

    union all

    {{ unpivot_failures(
        'gps_windows', ['window_start'], 'gps', gps_expectations()
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

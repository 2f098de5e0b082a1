with

orders as (

    select * from {{ ref('bronze_orders') }}

),

status as (

    select * from {{ ref('bronze_status') }}

),

order_windows as (

    {{ failures_by_window('orders', order_expectations()) }}

),

status_windows as (

    {{ failures_by_window('status', status_expectations()) }}

),

expectations as (

    {{ unpivot_failures(
        'order_windows', ['window_start'], 'orders', order_expectations()
    ) }}

    union all

    {{ unpivot_failures(
        'status_windows', ['window_start'], 'status', status_expectations()
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

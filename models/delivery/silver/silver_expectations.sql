with

orders as (

    select * from {{ ref('bronze_orders') }}

),

status as (

    select * from {{ ref('bronze_status') }}

),

-- Counted before the windows expire: a few groups are kept, not the events.
order_windows as (

    select
        {{ window_start('kafka_timestamp') }} as window_start,
        count(*) as evaluated_events,
        {{ count_failures(order_expectations()) }}
    from orders
    group by window_start

),

status_windows as (

    select
        {{ window_start('kafka_timestamp') }} as window_start,
        count(*) as evaluated_events,
        {{ count_failures(status_expectations()) }}
    from status
    group by window_start

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

with

orders as (

    select * from {{ ref('bronze_orders') }}

),

status as (

    select * from {{ ref('bronze_status') }}

),

events as (

    select
        'orders' as topic,
        order_date as event_time,
        kafka_timestamp
    from orders
    where {{ meets_expectations(order_expectations()) }}

    union all

    select
        'status' as topic,
        status_time as event_time,
        kafka_timestamp
    from status
    where {{ meets_expectations(status_expectations()) }}

),

-- Counted before the windows expire: a few groups are kept, not the events.
windows as (

    select
        topic,
        {{ window_start('kafka_timestamp') }} as window_start,
        count(*) as events,
        count(*) filter (
            where {{ is_late('event_time', 'kafka_timestamp') }}
        ) as late_events,
        count(*) filter (
            where {{ is_early('event_time', 'kafka_timestamp') }}
        ) as early_events
    from events
    group by topic, window_start

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

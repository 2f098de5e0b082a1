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

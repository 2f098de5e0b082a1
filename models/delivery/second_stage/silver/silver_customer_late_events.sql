with

payments as (

    select * from {{ ref('bronze_payments') }}

),

reviews as (

    select * from {{ ref('bronze_reviews') }}

),

events as (

    select
        'payments' as topic,
        dt_current_timestamp as event_time,
        kafka_timestamp
    from payments
    where {{ meets_expectations(payment_expectations()) }}

    union all

    select
        'reviews' as topic,
        dt_current_timestamp as event_time,
        kafka_timestamp
    from reviews
    where {{ meets_expectations(review_expectations()) }}

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

with

payments as (

    select * from {{ ref('bronze_payments') }}

),

reviews as (

    select * from {{ ref('bronze_reviews') }}

),

payment_windows as (

    {{ failures_by_window('payments', payment_expectations()) }}

),

review_windows as (

    {{ failures_by_window('reviews', review_expectations()) }}

),

expectations as (

    {{ unpivot_failures(
        'payment_windows', ['window_start'], 'payments', payment_expectations()
    ) }}

    union all

    {{ unpivot_failures(
        'review_windows', ['window_start'], 'reviews', review_expectations()
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

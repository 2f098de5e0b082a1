{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

order_payments as (

    select * from {{ ref('silver_order_payments') }}

),

payment_events as (

    select * from {{ ref('silver_order_payment_events') }}

),

pending_payments as (

    select * from {{ ref('silver_pending_payments') }}

),

-- Three kinds of rows in one aggregate instead of joins of three: orders by the
-- method of their latest step, attempts by the method that was tried, and what
-- is pending too long.
measures as (

    select
        {{ window_start('order_date') }} as window_start,
        coalesce(method, 'none') as payment_method,
        1 as orders,
        0 as attempts,
        0 as failed_attempts,
        case when payment_status = 'pending' then 1 else 0 end
            as pending_payments,
        0 as pending_too_long,
        total_amount as ordered_amount,
        captured_amount,
        refunded_amount
    from order_payments

    union all

    select
        {{ window_start('order_date') }} as window_start,
        method as payment_method,
        0 as orders,
        1 as attempts,
        case when payment_status = 'failed' then 1 else 0 end
            as failed_attempts,
        0 as pending_payments,
        0 as pending_too_long,
        0::numeric as ordered_amount,
        0::numeric as captured_amount,
        0::numeric as refunded_amount
    from payment_events
    where payment_status in ('authorized', 'failed')

    union all

    select
        {{ window_start('order_date') }} as window_start,
        method as payment_method,
        0 as orders,
        0 as attempts,
        0 as failed_attempts,
        0 as pending_payments,
        1 as pending_too_long,
        0::numeric as ordered_amount,
        0::numeric as captured_amount,
        0::numeric as refunded_amount
    from pending_payments

),

windows as (

    select
        window_start,
        payment_method,
        sum(orders) as orders,
        sum(attempts) as attempts,
        sum(failed_attempts) as failed_attempts,
        sum(pending_payments) as pending_payments,
        sum(pending_too_long) as pending_too_long,
        sum(ordered_amount) as ordered_amount,
        sum(captured_amount) as captured_amount,
        sum(refunded_amount) as refunded_amount
    from measures
    group by window_start, payment_method

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    payment_method,
    orders,
    attempts,
    failed_attempts,
    round(failed_attempts::numeric / nullif(attempts, 0), 4) as failure_rate,
    pending_payments,
    pending_too_long,
    ordered_amount,
    captured_amount,
    refunded_amount,
    round(captured_amount / nullif(ordered_amount, 0), 4) as capture_rate
from windows

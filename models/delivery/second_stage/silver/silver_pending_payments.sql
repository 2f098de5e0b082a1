with

order_payments as (

    select * from {{ ref('silver_order_payments') }}

),

-- The clock decides; no event has to happen.
pending as (

    select
        order_id,
        restaurant_key,
        user_key,
        total_amount,
        order_date,
        payment_id,
        method,
        payment_time as pending_since,
        {{ pending_mark('payment_time') }} as too_long_since
    from order_payments
    where
        payment_status = 'pending'
        and {{ logical_now() }} > {{ pending_mark('payment_time') }}

)

select * from pending

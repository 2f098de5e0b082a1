{{
    config(
        indexes=[{'columns': ['subject_key'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select
        user_key,
        order_date,
        order_date as event_time
    from {{ ref('silver_orders') }}

),

failed_payments as (

    select
        user_key,
        order_date,
        payment_time as event_time
    from {{ ref('silver_order_payment_events') }}
    where payment_status = 'failed'

),

fast_drivers as (

    select
        signal,
        subject_kind,
        subject_key,
        first_at,
        last_at,
        measure,
        limit_value,
        detail
    from {{ ref('silver_fast_drivers') }}

),

too_many_orders as (

    {{ users_over_limit(
        'too_many_orders', 'orders', 'orders', var('fraud_orders')
    ) }}

),

repeated_failed_payments as (

    {{ users_over_limit(
        'repeated_failed_payments', 'failed_payments', 'failed payments',
        var('fraud_failed_payments')
    ) }}

),

signals as (

    select * from too_many_orders
    union all
    select * from repeated_failed_payments
    union all
    select * from fast_drivers

)

select
    signal,
    subject_kind,
    subject_key,
    first_at,
    last_at,
    measure,
    limit_value,
    detail
from signals

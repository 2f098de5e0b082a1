{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

events as (

    select * from {{ ref('silver_order_payment_events') }}

),

-- The messages of a payment are in one partition, in the order in which they
-- were written.
latest as (

    select distinct on (order_id)
        order_id,
        restaurant_key,
        user_key,
        total_amount,
        order_date,
        payment_id,
        method,
        payment_status,
        payment_time
    from events
    order by
        order_id asc,
        payment_time desc nulls last,
        kafka_partition desc nulls last,
        kafka_offset desc nulls last

),

sums as (

    select
        order_id,
        count(*) filter (where payment_status in ('authorized', 'failed'))
            as attempts,
        count(*) filter (where payment_status = 'failed') as failed_attempts,
        coalesce(sum(amount) filter (where payment_status = 'captured'), 0)
            as captured_amount,
        coalesce(sum(amount) filter (where payment_status = 'refunded'), 0)
            as refunded_amount
    from events
    group by order_id

)

select
    latest.order_id,
    latest.restaurant_key,
    latest.user_key,
    latest.total_amount,
    latest.order_date,
    latest.payment_id,
    latest.method,
    latest.payment_status,
    latest.payment_time,
    sums.attempts,
    sums.failed_attempts,
    sums.captured_amount,
    sums.refunded_amount
from latest
inner join sums on latest.order_id = sums.order_id

with

events as (

    select * from {{ ref('bronze_payments') }}

),

rejected as (

    {{ failed_expectations('events', payment_expectations()) }}

)

select
    rule,
    payment_id,
    order_id,
    amount,
    currency,
    method,
    payment_status,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

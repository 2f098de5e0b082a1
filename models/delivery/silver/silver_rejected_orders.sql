with

events as (

    select * from {{ ref('bronze_orders') }}

),

rejected as (

    {{ failed_expectations('events', order_expectations()) }}

)

select
    rule,
    order_id,
    user_key,
    restaurant_key,
    driver_key,
    payment_id,
    total_amount,
    order_date,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

with

events as (

    select * from {{ ref('bronze_web_events') }}

),

rejected as (

    {{ failed_expectations('events', web_event_expectations()) }}

)

select
    rule,
    event_id,
    user_id,
    product_id,
    event_type,
    price,
    quantity,
    currency,
    ts,
    country,
    device,
    campaign,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

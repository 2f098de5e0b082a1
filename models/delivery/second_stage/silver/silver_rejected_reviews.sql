with

events as (

    select * from {{ ref('bronze_reviews') }}

),

rejected as (

    {{ failed_expectations('events', review_expectations()) }}

)

select
    rule,
    review_id,
    order_id,
    rating,
    comment,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

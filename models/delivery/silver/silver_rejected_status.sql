with

events as (

    select * from {{ ref('bronze_status') }}

),

rejected as (

    {{ failed_expectations('events', status_expectations()) }}

)

select
    rule,
    status_id,
    order_identifier,
    status_name,
    status_time,
    dt_current_timestamp,
    kafka_partition,
    kafka_offset,
    kafka_timestamp
from rejected
where {{ is_retained('kafka_timestamp') }}

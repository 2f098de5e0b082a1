-- What is published is what is delayed, order by order and since when.
with

alerts as (

    select
        order_id,
        timestamp as delayed_since,
        1 as occurrences
    from {{ ref('sink_kafka_alerts') }}

),

delayed_orders as (

    select
        order_id,
        delayed_since,
        -1 as occurrences
    from {{ ref('silver_delayed_orders') }}

),

both_sides as (

    select * from alerts
    union all
    select * from delayed_orders

)

select
    order_id,
    delayed_since,
    sum(occurrences) as surplus
from both_sides
group by order_id, delayed_since
having sum(occurrences) != 0

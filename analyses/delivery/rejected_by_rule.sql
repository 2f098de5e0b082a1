-- Which rules do orders break, and what does the newest such order look like?
select distinct on (rule)
    rule,
    order_id,
    total_amount,
    order_date,
    kafka_timestamp
from silver.silver_rejected_orders
order by rule asc, kafka_timestamp desc

-- Which share of the finished deliveries succeeded?
select
    sum(delivered) as delivered,
    sum(delayed) as delayed,
    round(
        sum(delivered) / nullif(sum(delivered) + sum(delayed), 0), 4
    ) as success_rate
from gold.gold_delivery_summary_realtime

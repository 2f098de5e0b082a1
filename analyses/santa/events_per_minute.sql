-- How do events, gifts and success develop from minute to minute?
select
    window_start,
    events,
    gifts,
    delivered,
    delayed,
    success_rate
from gold.gold_delivery_summary_realtime
order by window_start desc
limit 60

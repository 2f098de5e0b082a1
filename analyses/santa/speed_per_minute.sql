-- How fast is the sleigh, and how long do deliveries take?
select
    window_start,
    avg_speed_kmh,
    avg_delivery_time_s
from gold.gold_delivery_summary_realtime
order by window_start desc
limit 60

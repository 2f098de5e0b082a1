-- How many orders and how much revenue did the platform have, window by window?
select
    window_start,
    total_orders,
    total_revenue,
    orders_per_minute,
    avg_order_value
from gold.gold_system_health
order by window_start desc

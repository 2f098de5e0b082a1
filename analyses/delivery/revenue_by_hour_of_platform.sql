-- How much did the platform earn, hour by hour?
select
    date_trunc('hour', window_start) as hour_start,
    sum(total_orders) as total_orders,
    sum(total_revenue) as total_revenue
from gold.gold_system_health
group by date_trunc('hour', window_start)
order by hour_start desc

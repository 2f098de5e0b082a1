-- When do orders become delayed?
select
    date_trunc('hour', order_date) as hour_start,
    count(*) as delayed_orders
from silver.silver_order_delays
group by date_trunc('hour', order_date)
order by hour_start desc

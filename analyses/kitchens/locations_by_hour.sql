-- How do the cities do, hour by hour?
select
    window_start,
    location,
    orders,
    revenue,
    round(revenue / orders, 2) as avg_order_value
from gold.gold_location_sales_hourly
order by window_start desc, location asc
limit 100

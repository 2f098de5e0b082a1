-- Which orders are delayed at this moment, the longest wait first?
select
    order_id,
    restaurant_key,
    driver_key,
    delay_minutes,
    delayed_since,
    total_amount
from silver.silver_delayed_orders
order by delayed_since asc

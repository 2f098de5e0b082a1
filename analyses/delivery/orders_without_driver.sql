-- Which orders still have no driver, the oldest first?
select
    order_id,
    restaurant_key,
    status_name,
    order_date
from silver.silver_current_orders
where
    driver_key is null
    and status_name not in ('delivered', 'rejected', 'cancelled')
order by order_date asc
limit 20

-- Who is nearest to the orders that have waited longest for a driver?
select
    order_id,
    order_date,
    restaurant_key,
    driver_key,
    distance_km
from gold.gold_driver_candidates
where rank = 1
order by order_date asc
limit 20;

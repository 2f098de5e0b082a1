-- How much does a rating depend on how long the delivery took?
select
    delivery_speed,
    count(*) as reviews,
    round(avg(rating), 2) as avg_rating,
    round(avg(delivery_seconds) / 60, 1) as avg_delivery_minutes
from silver.silver_order_reviews
group by delivery_speed
order by avg_delivery_minutes asc nulls last

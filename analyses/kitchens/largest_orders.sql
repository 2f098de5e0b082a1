-- Which orders were the largest?
select
    order_id,
    location,
    items,
    distinct_brands,
    revenue,
    order_ts
from gold.gold_order_header
order by revenue desc
limit 20

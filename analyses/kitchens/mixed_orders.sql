-- How often does one order hold several brands, and is it worth more?
select
    distinct_brands,
    count(*) as orders,
    round(avg(revenue), 2) as avg_revenue,
    round(avg(items), 2) as avg_items
from gold.gold_order_header
group by distinct_brands
order by distinct_brands asc

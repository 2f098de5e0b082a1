-- How much does each brand sell from day to day?
select
    order_day,
    brand_name,
    orders,
    items,
    revenue
from gold.gold_brand_sales_day
order by order_day desc, revenue desc

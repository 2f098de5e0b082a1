-- What kinds of dishes are ordered?
select
    items.order_day,
    items.category_name,
    sum(items.qty) as units,
    sum(items.extended_price) as revenue
from silver.silver_order_items as items
group by items.order_day, items.category_name
order by items.order_day desc, revenue desc

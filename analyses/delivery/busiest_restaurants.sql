-- Which restaurants sell the most?
select
    restaurant_key,
    sum(total_orders) as total_orders,
    sum(total_revenue) as total_revenue,
    round(sum(total_revenue) / sum(total_orders), 2) as avg_order_value
from gold.gold_restaurant_performance
group by restaurant_key
order by total_revenue desc
limit 20

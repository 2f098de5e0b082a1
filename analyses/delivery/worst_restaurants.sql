-- Which restaurants kept the largest share of their orders waiting today?
select
    restaurant_key,
    sum(total_orders) as total_orders,
    sum(delayed_orders) as delayed_orders,
    round(sum(delayed_orders) / sum(total_orders), 4) as delay_rate
from gold.gold_restaurant_performance
group by restaurant_key
having sum(total_orders) >= 10
order by delay_rate desc, delayed_orders desc
limit 20

-- How long do deliveries take, over all windows that are kept?
select
    bucket,
    sum(order_count) as order_count,
    round(
        sum(order_count * avg_delivery_minutes) / sum(order_count), 1
    ) as avg_delivery_minutes
from gold.gold_delivery_time_distribution
group by bucket
order by avg_delivery_minutes

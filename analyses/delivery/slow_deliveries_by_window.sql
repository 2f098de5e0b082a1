-- Which share of the deliveries was slow or very slow, window by window?
select
    window_start,
    sum(percentage) filter (where bucket in ('slow', 'very_slow'))
        as slow_percentage,
    sum(order_count) as order_count
from gold.gold_delivery_time_distribution
group by window_start
order by window_start desc

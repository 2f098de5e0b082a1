-- How many carts were left behind, minute by minute?
select
    window_start,
    sum(carts) as carts,
    sum(purchases) as purchases,
    sum(carts) - sum(purchases) as left_behind
from gold.gold_funnel
group by window_start
order by window_start desc
limit 30

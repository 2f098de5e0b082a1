-- Which minutes were the busiest?
select
    window_start,
    active_users,
    orders,
    gmv
from gold.gold_kpis
order by active_users desc
limit 10

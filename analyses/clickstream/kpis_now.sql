-- How does the shop do at this moment?
select
    window_start,
    orders,
    gmv,
    active_users,
    conversion_rate
from gold.gold_kpis
order by window_start desc
limit 10

-- How much did the shop sell, hour by hour?
select
    date_trunc('hour', window_start) as hour_start,
    sum(orders) as orders,
    sum(gmv) as gmv
from gold.gold_kpis
group by date_trunc('hour', window_start)
order by hour_start desc

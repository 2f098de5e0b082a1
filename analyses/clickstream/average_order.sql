-- What is an average purchase worth, and how does that change?
select
    date_trunc('hour', window_start) as hour_start,
    sum(orders) as orders,
    round(sum(gmv) / nullif(sum(orders), 0), 2) as average_order
from gold.gold_kpis
group by date_trunc('hour', window_start)
order by hour_start desc

-- How do the regions compare?
select
    region,
    sum(events) as events,
    sum(gifts) as gifts,
    round(
        sum(delayed) / nullif(sum(delivered) + sum(delayed), 0), 4
    ) as delay_rate
from gold.gold_delivery_by_region
group by region
order by gifts desc

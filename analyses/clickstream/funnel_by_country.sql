-- In which countries do views become purchases?
select
    country,
    sum(views) as views,
    sum(carts) as carts,
    sum(purchases) as purchases,
    round(sum(purchases) / nullif(sum(views), 0), 4) as purchases_per_view
from gold.gold_funnel
group by country
order by purchases_per_view desc

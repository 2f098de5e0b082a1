-- Which campaigns bring the most revenue?
select
    campaign,
    sum(orders) as orders,
    sum(revenue) as revenue
from gold.gold_campaigns
group by campaign
order by revenue desc

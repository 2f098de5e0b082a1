-- What did each campaign bring in the newest hour?
with

newest as (

    select max(window_start) as window_start
    from gold.gold_campaigns

)

select
    campaigns.campaign,
    sum(campaigns.orders) as orders,
    sum(campaigns.revenue) as revenue
from gold.gold_campaigns as campaigns
inner join newest
    on campaigns.window_start > newest.window_start - interval '1 hour'
group by campaigns.campaign
order by revenue desc

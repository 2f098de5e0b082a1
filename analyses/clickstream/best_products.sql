-- Which products sell best?
select
    product_id,
    count(*) filter (where event_type = 'page_view') as views,
    count(*) filter (where event_type = 'purchase') as purchases,
    sum(price * quantity) filter (where event_type = 'purchase') as revenue
from silver.silver_events
group by product_id
order by revenue desc nulls last
limit 20

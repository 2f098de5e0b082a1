-- Which deliveries went the longest way round?
select
    order_id,
    driver_key,
    driven_km,
    straight_line_km,
    driven_share
from gold.gold_route_progress
where driven_share > 1
order by driven_share desc
limit 20;

-- What happened last?
select
    event_time,
    city,
    status,
    gift_type,
    gift_count,
    weather
from silver.silver_santa_deliveries
order by event_time desc
limit 20

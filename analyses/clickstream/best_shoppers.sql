-- Who bought the most?
select
    user_id,
    count(*) as purchases,
    sum(price * quantity) as spent
from silver.silver_events
where event_type = 'purchase'
group by user_id
order by spent desc
limit 20

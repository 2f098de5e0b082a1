-- Which orders under way will miss their promise, and by how many minutes?
select
    order_id,
    restaurant_key,
    driver_key,
    status_name,
    remaining_km,
    eta_minutes,
    promised_at
from silver.silver_eta
where not promise_kept
order by promised_at asc
limit 20;

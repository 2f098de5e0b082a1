-- Which payments wait too long, since when, and for how much?
select
    pending_since,
    order_id,
    payment_id,
    method,
    user_key,
    total_amount
from silver.silver_pending_payments
order by pending_since asc
limit 50

-- How much of what was ordered was paid, hour by hour, and how much given back?
select
    date_trunc('hour', window_start) as starts_at,
    sum(ordered_amount) as ordered,
    sum(captured_amount) as captured,
    sum(refunded_amount) as refunded,
    round(sum(captured_amount) / sum(ordered_amount), 4) as capture_rate
from gold.gold_payment_health
group by starts_at
having sum(ordered_amount) > 0
order by starts_at desc

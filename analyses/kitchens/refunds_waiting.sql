-- Which refunds await a decision, the dearest first?
select
    order_id,
    location,
    refund_class,
    suggested_amount,
    score,
    reason,
    delivered_at
from refunds.refund_queue
order by suggested_amount desc
limit 20

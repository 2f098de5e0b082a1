-- What became of the orders of each of the last windows?
select
    window_start,
    placed,
    delivered,
    rejected,
    cancelled,
    fulfilment_rate
from gold.gold_fulfilment
order by window_start desc
limit 12;

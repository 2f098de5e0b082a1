-- How many gifts were delivered so far, in how many deliveries?
select
    sum(gifts) as gifts,
    sum(delivered) as delivered,
    sum(delayed) as delayed
from gold.gold_overall_progress

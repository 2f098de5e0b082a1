-- How far has the night come, ten minutes by ten minutes?
select
    window_start,
    delivered,
    gifts,
    total_delivered,
    total_gifts
from gold.gold_overall_progress
order by window_start desc

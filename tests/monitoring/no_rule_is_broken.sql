-- The rules between the views of gold hold at this moment.
select
    system,
    rule,
    window_start,
    difference
from {{ ref('monitor_broken_rules') }}

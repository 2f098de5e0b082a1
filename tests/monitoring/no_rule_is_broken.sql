-- The rules between the views of gold hold at this moment.
select * from {{ ref('monitor_broken_rules') }}

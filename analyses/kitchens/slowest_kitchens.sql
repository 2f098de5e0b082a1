-- Which kitchens cook the slowest?
select
    gk_id,
    count(*) as orders,
    round(avg(cooking_minutes), 1) as cooking_minutes,
    max(cooking_minutes) as longest_cooking_minutes
from silver.silver_order_timeline
where finished_at is not null
group by gk_id
having count(*) >= 10
order by cooking_minutes desc
limit 20

-- In which stage do the cities lose their time?
select
    location,
    count(*) as deliveries,
    round(avg(queue_minutes), 1) as queue_minutes,
    round(avg(cooking_minutes), 1) as cooking_minutes,
    round(avg(packing_minutes), 1) as packing_minutes,
    round(avg(pickup_minutes), 1) as pickup_minutes,
    round(avg(drive_minutes), 1) as drive_minutes,
    round(avg(total_minutes), 1) as total_minutes
from silver.silver_order_timeline
where delivered_at is not null
group by location
order by total_minutes desc

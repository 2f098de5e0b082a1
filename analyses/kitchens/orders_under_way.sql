-- Where do the orders stand that are not delivered yet?
select
    location,
    count(*) filter (where started_at is null) as waiting,
    count(*) filter (
        where started_at is not null and ready_at is null
    ) as in_the_kitchen,
    count(*) filter (
        where ready_at is not null and picked_up_at is null
    ) as waiting_for_a_driver,
    count(*) filter (where picked_up_at is not null) as on_the_way
from silver.silver_order_timeline
where delivered_at is null
group by location
order by location asc

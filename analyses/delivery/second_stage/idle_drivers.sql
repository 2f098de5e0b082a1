-- How many drivers are idle, and how many under way?
select
    order_id is null as is_idle,
    count(*) as drivers
from silver.silver_driver_status
group by order_id is null
order by is_idle asc;

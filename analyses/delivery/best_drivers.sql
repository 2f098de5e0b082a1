-- Which drivers completed the most deliveries, and what did they earn?
select
    driver_key,
    sum(completed_deliveries) as completed_deliveries,
    sum(total_deliveries) as total_deliveries,
    sum(total_earnings) as total_earnings
from gold.gold_driver_performance
group by driver_key
order by completed_deliveries desc
limit 20

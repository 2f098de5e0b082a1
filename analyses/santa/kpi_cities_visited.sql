-- How many cities and countries has the sleigh been to?
select
    count(distinct city) as cities,
    count(distinct country) as countries
from gold.gold_top_cities
where delivered > 0

-- Which cities lead in the newest quarter of an hour?
with

newest as (

    select max(window_start) as window_start
    from gold.gold_top_cities

)

select
    top_cities.rank,
    top_cities.city,
    top_cities.country,
    top_cities.gifts
from gold.gold_top_cities as top_cities
inner join newest on top_cities.window_start = newest.window_start
order by top_cities.rank asc
limit 10

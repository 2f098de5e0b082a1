-- Where on the map did how many gifts arrive?
select
    cities.city,
    cities.latitude,
    cities.longitude,
    sum(top_cities.gifts) as gifts
from reference.santa_cities as cities
inner join gold.gold_top_cities as top_cities
    on cities.city = top_cities.city
group by cities.city, cities.latitude, cities.longitude
order by gifts desc

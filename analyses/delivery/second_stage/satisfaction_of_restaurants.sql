-- Which restaurants do their customers like least, and is it for their speed?
select
    restaurant_key,
    reviews,
    avg_rating,
    good_share,
    avg_delivery_minutes,
    fast_avg_rating,
    slow_avg_rating
from gold.gold_satisfaction
where reviews >= 5
order by avg_rating asc, reviews desc
limit 20

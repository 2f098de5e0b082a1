-- Restaurants together have every reviewed order that names one, and the
-- ratings by speed are among theirs.
with

gold as (

    select
        restaurant_key,
        reviews,
        good_reviews,
        fast_reviews + normal_reviews + slow_reviews as timed_reviews
    from {{ ref('gold_satisfaction') }}

),

silver as (

    select
        restaurant_key,
        -1 as reviews,
        case when rating >= 4 then -1 else 0 end as good_reviews,
        case when delivered_at is null then 0 else -1 end as timed_reviews
    from {{ ref('silver_order_reviews') }}
    where restaurant_key is not null

),

both_sides as (

    select * from gold
    union all
    select * from silver

)

select
    restaurant_key,
    sum(reviews) as surplus_reviews,
    sum(good_reviews) as surplus_good_reviews,
    sum(timed_reviews) as surplus_timed_reviews
from both_sides
group by restaurant_key
having
    sum(reviews) != 0
    or sum(good_reviews) != 0
    or sum(timed_reviews) != 0

{{
    config(
        indexes=[{'columns': ['restaurant_key'], 'cluster': 'serve'}]
    )
}}

with

reviews as (

    select
        restaurant_key,
        rating,
        delivery_seconds,
        case
            when delivery_speed = 'very_slow' then 'slow'
            else delivery_speed
        end as speed
    from {{ ref('silver_order_reviews') }}
    where restaurant_key is not null

),

restaurants as (

    select
        restaurant_key,
        count(*) as reviews,
        sum(rating) as ratings,
        count(*) filter (where rating >= 4) as good_reviews,
        count(delivery_seconds) as deliveries,
        sum(delivery_seconds) as delivery_seconds,
        {{ ratings_by_speed(['fast', 'normal', 'slow']) }}
    from reviews
    group by restaurant_key

)

select
    restaurant_key,
    reviews,
    round(ratings::numeric / reviews, 2) as avg_rating,
    good_reviews,
    round(good_reviews::numeric / reviews, 4) as good_share,
    round(delivery_seconds / nullif(60 * deliveries, 0), 2)
        as avg_delivery_minutes,
    {{ mean_ratings_by_speed(['fast', 'normal', 'slow']) }}
from restaurants

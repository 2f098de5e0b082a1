with

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

reviews as (

    select * from {{ ref('silver_reviews') }}

),

latest as (

    select distinct on (order_id)
        order_id,
        review_id,
        rating,
        comment,
        review_time
    from reviews
    order by order_id asc, review_time desc, review_id desc

),

joined as (

    select
        current_orders.order_id,
        current_orders.restaurant_key,
        current_orders.driver_key,
        current_orders.user_key,
        current_orders.order_date,
        latest.review_id,
        latest.rating,
        latest.comment,
        latest.review_time,
        case
            when current_orders.status_name = 'delivered'
                then current_orders.status_time
        end as delivered_at
    from current_orders
    inner join latest
        on
            current_orders.order_id = latest.order_id
            and current_orders.order_date - {{ status_join_reach() }}
            <= latest.review_time

)

select
    *,
    extract(epoch from (delivered_at - order_date)) as delivery_seconds,
    case
        when delivered_at is not null
            then {{ delivery_time_bucket(
                minutes_between('order_date', 'delivered_at')
            ) }}
    end as delivery_speed
from joined

{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

assignments as (

    select * from {{ ref('silver_assignments') }}

),

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

positions as (

    select * from {{ ref('silver_gps') }}

),

restaurants as (

    select * from {{ ref('restaurants') }}

),

last_positions as (

    select distinct on (order_id, driver_key)
        order_id,
        driver_key,
        latitude,
        longitude,
        reported_at
    from positions
    where order_id is not null
    order by
        order_id asc,
        driver_key asc,
        reported_at desc

),

speeds as (

    select
        order_id,
        driver_key,
        round(avg(speed_kph) filter (where speed_kph > 0), 2) as mean_kph
    from positions
    where order_id is not null
    group by order_id, driver_key

),

under_way as (

    select
        orders.order_id,
        assignments.driver_key,
        orders.restaurant_key,
        orders.status_name,
        orders.order_date,
        last_positions.latitude,
        last_positions.longitude,
        last_positions.reported_at,
        restaurants.latitude as restaurant_latitude,
        restaurants.longitude as restaurant_longitude,
        assignments.dropoff_latitude,
        assignments.dropoff_longitude,
        {{ eta_speed('speeds.mean_kph') }} as speed_kph
    from current_orders as orders
    inner join assignments
        on orders.order_id = assignments.order_id
    inner join last_positions
        on
            assignments.order_id = last_positions.order_id
            and assignments.driver_key = last_positions.driver_key
    inner join speeds
        on
            assignments.order_id = speeds.order_id
            and assignments.driver_key = speeds.driver_key
    inner join restaurants
        on orders.restaurant_key = restaurants.restaurant_key
    where
        assignments.action = 'accepted'
        and orders.status_name in (
            'placed', 'accepted', 'preparing', 'ready', 'picked_up'
        )

),

distances as (

    select
        *,
        {{ haversine_km(
            'latitude', 'longitude', 'dropoff_latitude', 'dropoff_longitude'
        ) }} as to_customer_km,
        {{ haversine_km(
            'latitude', 'longitude',
            'restaurant_latitude', 'restaurant_longitude'
        ) }}
        + {{ haversine_km(
            'restaurant_latitude', 'restaurant_longitude',
            'dropoff_latitude', 'dropoff_longitude'
        ) }} as by_restaurant_km
    from under_way

),

-- To the metre, and exact from there on.
remaining as (

    select
        *,
        round(
            (
                case
                    when status_name = 'picked_up' then to_customer_km
                    else by_restaurant_km
                end
            )::numeric,
            3
        ) as remaining_km
    from distances

),

estimates as (

    select
        *,
        round(
            remaining_km * {{ var('eta_detour') }} / speed_kph * 60, 1
        ) as eta_minutes
    from remaining

)

select
    order_id,
    driver_key,
    restaurant_key,
    status_name,
    order_date,
    latitude,
    longitude,
    reported_at,
    speed_kph,
    remaining_km,
    eta_minutes,
    {{ promise_mark('order_date') }} as promised_at,
    {{ minutes_between('order_date', 'reported_at') }} + eta_minutes
    <= {{ var('promise_minutes') }} as promise_kept
from estimates

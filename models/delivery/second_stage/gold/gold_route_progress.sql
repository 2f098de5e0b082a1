{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select * from {{ ref('silver_orders') }}

),

assignments as (

    select * from {{ ref('silver_assignments') }}

),

positions as (

    select * from {{ ref('silver_gps') }}

),

restaurants as (

    select * from {{ ref('restaurants') }}

),

neighbours as (

    select
        order_id,
        driver_key,
        latitude,
        longitude,
        reported_at,
        lag(latitude) over (
            partition by order_id, driver_key
            order by reported_at asc
        ) as previous_latitude,
        lag(longitude) over (
            partition by order_id, driver_key
            order by reported_at asc
        ) as previous_longitude,
        lag(reported_at) over (
            partition by order_id, driver_key
            order by reported_at asc
        ) as previous_at
    from positions
    where order_id is not null

),

-- Without a neighbour before it a position has no length.
legs as (

    select
        order_id,
        driver_key,
        reported_at,
        {{ haversine_km(
            'previous_latitude', 'previous_longitude', 'latitude', 'longitude'
        ) }} as distance_km,
        extract(epoch from (reported_at - previous_at))::double precision
            as seconds
    from neighbours

),

-- Each leg to the metre: their sum is exact.
driven as (

    select
        order_id,
        driver_key,
        count(*) as positions,
        min(reported_at) as first_reported_at,
        max(reported_at) as last_reported_at,
        coalesce(
            sum(round(distance_km::numeric, 3)) filter (
                where not ({{ is_too_fast('distance_km', 'seconds') }})
            ),
            0
        ) as driven_km
    from legs
    group by order_id, driver_key

),

first_positions as (

    select distinct on (order_id, driver_key)
        order_id,
        driver_key,
        latitude,
        longitude
    from positions
    where order_id is not null
    order by
        order_id asc,
        driver_key asc,
        reported_at asc

),

routes as (

    select
        orders.order_id,
        orders.restaurant_key,
        assignments.driver_key,
        orders.order_date,
        driven.positions,
        driven.first_reported_at,
        driven.last_reported_at,
        driven.driven_km,
        round(
            (
                {{ haversine_km(
                    'first_positions.latitude', 'first_positions.longitude',
                    'restaurants.latitude', 'restaurants.longitude'
                ) }}
                + {{ haversine_km(
                    'restaurants.latitude', 'restaurants.longitude',
                    'assignments.dropoff_latitude',
                    'assignments.dropoff_longitude'
                ) }}
            )::numeric,
            3
        ) as straight_line_km
    from orders
    inner join assignments
        on orders.order_id = assignments.order_id
    inner join driven
        on
            assignments.order_id = driven.order_id
            and assignments.driver_key = driven.driver_key
    inner join first_positions
        on
            assignments.order_id = first_positions.order_id
            and assignments.driver_key = first_positions.driver_key
    inner join restaurants
        on orders.restaurant_key = restaurants.restaurant_key
    where assignments.action = 'accepted'

)

select
    order_id,
    restaurant_key,
    driver_key,
    order_date,
    positions,
    first_reported_at,
    last_reported_at,
    driven_km,
    straight_line_km,
    round(driven_km / nullif(straight_line_km, 0), 3) as driven_share
from routes

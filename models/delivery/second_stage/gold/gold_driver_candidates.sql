{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

assignments as (

    select * from {{ ref('silver_assignments') }}

),

driver_status as (

    select * from {{ ref('silver_driver_status') }}

),

restaurants as (

    select * from {{ ref('restaurants') }}

),

-- A declined offer leaves the order unassigned, and so does an open one.
unassigned as (

    select
        orders.order_id,
        orders.restaurant_key,
        orders.order_date,
        restaurants.latitude,
        restaurants.longitude,
        {{ cell('restaurants.latitude', 'restaurants.longitude') }}
    from current_orders as orders
    inner join restaurants
        on orders.restaurant_key = restaurants.restaurant_key
    left join assignments
        on
            orders.order_id = assignments.order_id
            and assignments.action = 'accepted'
    where
        orders.driver_key is null
        and orders.status_name in ('accepted', 'preparing', 'ready')
        and assignments.order_id is null

),

idle as (

    select
        driver_key,
        latitude,
        longitude,
        reported_at,
        {{ cell('latitude', 'longitude') }}
    from driver_status
    where
        order_id is null
        and {{ logical_now() }}
        <= reported_at + interval '{{ var("idle_driver_minutes") }} minutes'

),

-- Each driver is seen from the cells around: whoever is near is in one of them.
seen as (

    select
        idle.driver_key,
        idle.latitude,
        idle.longitude,
        idle.reported_at,
        idle.cell_north + north.step as cell_north,
        idle.cell_east + east.step as cell_east
    from idle
    cross join generate_series(-1, 1) as north (step)
    cross join generate_series(-1, 1) as east (step)

),

pairs as (

    select
        unassigned.order_id,
        unassigned.restaurant_key,
        unassigned.order_date,
        seen.driver_key,
        seen.reported_at,
        round(
            (
                {{ haversine_km(
                    'unassigned.latitude', 'unassigned.longitude',
                    'seen.latitude', 'seen.longitude'
                ) }}
            )::numeric,
            3
        ) as distance_km
    from unassigned
    inner join seen
        on
            unassigned.cell_north = seen.cell_north
            and unassigned.cell_east = seen.cell_east

),

ranked as (

    select
        *,
        row_number() over (
            partition by order_id
            order by distance_km asc, driver_key asc
        ) as rank
    from pairs
    where distance_km <= {{ var('matching_radius_km') }}

)

select
    order_id,
    rank,
    restaurant_key,
    order_date,
    driver_key,
    distance_km,
    reported_at
from ranked
where rank <= {{ var('matching_candidates') }}

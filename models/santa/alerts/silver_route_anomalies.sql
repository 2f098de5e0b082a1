with

deliveries as (

    select * from {{ ref('silver_santa_deliveries') }}

),

-- Within windows of ten minutes: a new position looks at its neighbours, not at
-- the whole night.
neighbours as (

    select
        delivery_id,
        status,
        city,
        latitude,
        longitude,
        event_time,
        lag(city) over (
            partition by {{ window_start('event_time', '10 minutes') }}
            order by event_time asc, delivery_id asc, status asc
        ) as previous_city,
        lag(latitude) over (
            partition by {{ window_start('event_time', '10 minutes') }}
            order by event_time asc, delivery_id asc, status asc
        ) as previous_latitude,
        lag(longitude) over (
            partition by {{ window_start('event_time', '10 minutes') }}
            order by event_time asc, delivery_id asc, status asc
        ) as previous_longitude,
        lag(event_time) over (
            partition by {{ window_start('event_time', '10 minutes') }}
            order by event_time asc, delivery_id asc, status asc
        ) as previous_time
    from deliveries

),

jumps as (

    select
        delivery_id,
        status,
        previous_city,
        city,
        event_time,
        extract(epoch from (event_time - previous_time)) as seconds,
        {{ haversine_km(
            'previous_latitude', 'previous_longitude', 'latitude', 'longitude'
        ) }} as distance_km
    from neighbours
    where previous_time is not null

)

select
    delivery_id,
    status,
    previous_city,
    city,
    seconds,
    distance_km,
    event_time
from jumps
-- A kilometre to spare: two reports of one moment need not agree on the metre.
where
    distance_km
    > 1 + seconds::double precision
    * {{ var('santa_greatest_speed_kmh') }} / 3600

with

positions as (

    select * from {{ ref('silver_gps') }}

),

-- Within the windows of gold: a new position looks at its neighbours, not at
-- the whole shift.
neighbours as (

    select
        driver_key,
        {{ window_start('reported_at') }} as window_start,
        latitude,
        longitude,
        reported_at,
        lag(latitude) over (
            partition by driver_key, {{ window_start('reported_at') }}
            order by reported_at asc
        ) as previous_latitude,
        lag(longitude) over (
            partition by driver_key, {{ window_start('reported_at') }}
            order by reported_at asc
        ) as previous_longitude,
        lag(reported_at) over (
            partition by driver_key, {{ window_start('reported_at') }}
            order by reported_at asc
        ) as previous_at
    from positions

),

legs as (

    select
        driver_key,
        window_start,
        reported_at,
        {{ haversine_km(
            'previous_latitude', 'previous_longitude', 'latitude', 'longitude'
        ) }} as distance_km,
        extract(epoch from (reported_at - previous_at))::double precision
            as seconds
    from neighbours
    where previous_at is not null

),

too_fast as (

    select
        driver_key,
        window_start,
        reported_at,
        distance_km / seconds * 3600 as speed_kph
    from legs
    where {{ is_too_fast('distance_km', 'seconds') }}

)

select
    'driver_too_fast' as signal,
    'driver' as subject_kind,
    driver_key as subject_key,
    min(reported_at) as first_at,
    max(reported_at) as last_at,
    round(max(speed_kph)::numeric, 1) as measure,
    {{ var('fastest_driver_kph') }}::numeric as limit_value,
    count(*)::text || ' legs too fast in {{ var("window_minutes") }} minutes'
        as detail
from too_fast
group by driver_key, window_start

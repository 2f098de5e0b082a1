{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

events as (

    select * from {{ ref('silver_kitchen_events') }}

),

with_progress as (

    select
        *,
        {{ safe_integer("body ->> 'progress_pct'") }}
            as driver_progress
    from events

),

-- The first event of each type counts, and the farthest that the driver came.
stages as (

    select
        order_id,
        min(gk_id) as gk_id,
        min(location) as location,
        count(*) filter (where event_type = 'driver_ping') as driver_pings,
        max(driver_progress) as driver_progress,
        min(ts) filter (where event_type = 'order_created') as created_at,
        min(ts) filter (where event_type = 'gk_started') as started_at,
        min(ts) filter (where event_type = 'gk_finished') as finished_at,
        min(ts) filter (where event_type = 'gk_ready') as ready_at,
        min(ts) filter (where event_type = 'driver_picked_up') as picked_up_at,
        min(ts) filter (where event_type = 'delivered') as delivered_at
    from with_progress
    group by order_id

)

select
    order_id,
    gk_id,
    location,
    driver_pings,
    driver_progress,
    round({{ minutes_between('created_at', 'started_at') }}, 2)
        as queue_minutes,
    round({{ minutes_between('started_at', 'finished_at') }}, 2)
        as cooking_minutes,
    round({{ minutes_between('finished_at', 'ready_at') }}, 2)
        as packing_minutes,
    round({{ minutes_between('ready_at', 'picked_up_at') }}, 2)
        as pickup_minutes,
    round({{ minutes_between('picked_up_at', 'delivered_at') }}, 2)
        as drive_minutes,
    round({{ minutes_between('created_at', 'delivered_at') }}, 2)
        as total_minutes,
    created_at,
    started_at,
    finished_at,
    ready_at,
    picked_up_at,
    delivered_at
from stages

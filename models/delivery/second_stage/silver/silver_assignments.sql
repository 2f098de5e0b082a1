{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

dispatch as (

    select * from {{ ref('silver_dispatch') }}

),

latest as (

    select distinct on (order_id)
        order_id,
        driver_key,
        action,
        dropoff_latitude,
        dropoff_longitude,
        dispatched_at
    from dispatch
    order by
        order_id asc,
        dispatched_at desc,
        action asc,
        driver_key asc

)

select * from latest

{{
    config(
        indexes=[{'columns': ['driver_key'], 'cluster': 'serve'}]
    )
}}

with

positions as (

    select * from {{ ref('silver_gps') }}

),

dispatch as (

    select * from {{ ref('silver_dispatch') }}

),

-- Who has accepted an order is busy before the next position says so.
reports as (

    select
        driver_key,
        order_id,
        latitude,
        longitude,
        reported_at
    from positions

    union all

    select
        driver_key,
        order_id,
        null::double precision as latitude,
        null::double precision as longitude,
        dispatched_at as reported_at
    from dispatch
    where action = 'accepted'

),

latest as (

    select distinct on (driver_key)
        driver_key,
        order_id,
        latitude,
        longitude,
        reported_at
    from reports
    order by
        driver_key asc,
        reported_at desc,
        order_id asc nulls last,
        latitude asc nulls last

)

select * from latest

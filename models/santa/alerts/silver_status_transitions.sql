with

deliveries as (

    select * from {{ ref('silver_santa_deliveries') }}

),

with_previous as (

    select
        delivery_id,
        city,
        region,
        status as to_status,
        event_time as changed_at,
        lag(status) over (
            partition by delivery_id
            order by event_time asc, status asc
        ) as from_status,
        lag(event_time) over (
            partition by delivery_id
            order by event_time asc, status asc
        ) as since
    from deliveries

)

select
    delivery_id,
    city,
    region,
    from_status,
    to_status,
    since,
    changed_at,
    round(extract(epoch from (changed_at - since)), 3) as seconds
from with_previous
where from_status != to_status

with

deliveries as (

    select * from {{ ref('silver_santa_deliveries') }}

),

with_previous as (

    select
        delivery_id,
        city,
        region,
        lag(status) over (
            partition by delivery_id
            order by event_time asc, status asc
        ) as from_status,
        status as to_status,
        lag(event_time) over (
            partition by delivery_id
            order by event_time asc, status asc
        ) as since,
        event_time as changed_at
    from deliveries

)

select
    delivery_id,
    city,
    region,
    from_status,
    to_status,
    round(extract(epoch from (changed_at - since)), 3) as seconds,
    since,
    changed_at
from with_previous
where from_status != to_status

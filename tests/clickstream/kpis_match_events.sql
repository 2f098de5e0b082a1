-- Orders and revenue of gold are those of silver, minute by minute, and the
-- funnel has every event with a device and a country.
with

both_sides as (

    select
        window_start,
        orders,
        gmv,
        0 as events
    from {{ ref('gold_kpis') }}

    union all

    select
        {{ window_start('ts', '1 minute') }} as window_start,
        -1 as orders,
        -price * quantity as gmv,
        0 as events
    from {{ ref('silver_events') }}
    where event_type = 'purchase'

    union all

    select
        window_start,
        0 as orders,
        0 as gmv,
        views + carts + purchases as events
    from {{ ref('gold_funnel') }}

    union all

    select
        {{ window_start('ts', '1 minute') }} as window_start,
        0 as orders,
        0 as gmv,
        -1 as events
    from {{ ref('silver_events') }}
    where device is not null and country is not null

)

select
    window_start,
    sum(orders) as surplus_orders,
    sum(gmv) as surplus_gmv,
    sum(events) as surplus_events
from both_sides
group by window_start
having sum(orders) != 0 or sum(gmv) != 0 or sum(events) != 0

{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('silver_kitchen_events') }}

),

-- An order is created once, whatever the producer says.
created as (

    select distinct on (order_id)
        order_id,
        gk_id,
        location,
        ts,
        body
    from events
    where event_type = 'order_created'
    order by order_id asc, ts asc, event_id asc

),

-- The guard is inside: a function over what is no array would fail the view.
lines as (

    select
        created.order_id,
        created.gk_id,
        created.location,
        created.ts as order_ts,
        created.body,
        items.line,
        items.item
    from created
    cross join
        jsonb_array_elements(
            case
                when jsonb_typeof(created.body -> 'items') = 'array'
                    then created.body -> 'items'
            end
        ) with ordinality as items (item, line)

),

typed as (

    select
        order_id,
        line,
        gk_id,
        location,
        order_ts,
        {{ typed_columns(order_line_contract()) }},
        {{ safe_double("body ->> 'customer_lat'") }} as customer_latitude,
        {{ safe_double("body ->> 'customer_lon'") }} as customer_longitude,
        item
    from lines

)

select * from typed

{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

items as (

    select * from {{ ref('silver_order_items') }}

),

orders as (

    select
        order_id,
        gk_id,
        location,
        order_ts,
        sum(qty) as items,
        count(distinct brand_id) as distinct_brands,
        sum(extended_price) as revenue
    from items
    group by order_id, gk_id, location, order_ts

)

select * from orders

{{
    config(
        indexes=[{'columns': ['brand_id'], 'cluster': 'serve'}]
    )
}}

with

items as (

    select * from {{ ref('silver_order_items') }}

),

days as (

    select
        order_day,
        brand_id,
        brand_name,
        count(distinct order_id) as orders,
        sum(qty) as items,
        sum(extended_price) as revenue
    from items
    where brand_id is not null
    group by order_day, brand_id, brand_name

)

select * from days

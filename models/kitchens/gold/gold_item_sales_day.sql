{{
    config(
        indexes=[{'columns': ['item_id'], 'cluster': 'serve'}]
    )
}}

with

items as (

    select * from {{ ref('silver_order_items') }}

),

days as (

    select
        order_day,
        item_id,
        sum(qty) as units,
        sum(extended_price) as gross_revenue
    from items
    group by order_day, item_id

)

select * from days

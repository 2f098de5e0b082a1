-- Sales per item, per brand and per location are those of the items of silver,
-- and so is what the orders amount to.
with

sides as (

    select
        'items' as what,
        units,
        gross_revenue as revenue
    from {{ ref('gold_item_sales_day') }}

    union all

    select
        'items' as what,
        -qty as units,
        -extended_price as revenue
    from {{ ref('silver_order_items') }}

    union all

    select
        'brands' as what,
        items as units,
        revenue
    from {{ ref('gold_brand_sales_day') }}

    union all

    select
        'brands' as what,
        -qty as units,
        -extended_price as revenue
    from {{ ref('silver_order_items') }}
    where brand_id is not null

    union all

    select
        'orders' as what,
        items as units,
        revenue
    from {{ ref('gold_order_header') }}

    union all

    select
        'orders' as what,
        -qty as units,
        -extended_price as revenue
    from {{ ref('silver_order_items') }}

)

select
    what,
    sum(units) as surplus_units,
    sum(revenue) as surplus_revenue
from sides
group by what
having sum(units) != 0 or sum(revenue) != 0

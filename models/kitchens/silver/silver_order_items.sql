with

lines as (

    select * from {{ ref('silver_order_lines') }}

),

brands as (

    select * from {{ ref('brands') }}

),

categories as (

    select * from {{ ref('categories') }}

),

menus as (

    select * from {{ ref('menus') }}

),

accepted as (

    select *
    from lines
    where
        {{ meets_expectations(order_line_expectations()) }}

),

named as (

    select
        accepted.order_id,
        accepted.line,
        accepted.gk_id,
        accepted.location,
        accepted.item_id,
        accepted.menu_id,
        accepted.category_id,
        accepted.brand_id,
        accepted.item_name,
        menus.menu_name,
        categories.category_name,
        brands.brand_name,
        accepted.price,
        accepted.qty,
        accepted.customer_latitude,
        accepted.customer_longitude,
        accepted.order_ts,
        accepted.order_ts::date as order_day,
        accepted.price * accepted.qty as extended_price
    from accepted
    left join brands on accepted.brand_id = brands.brand_id
    left join categories on accepted.category_id = categories.category_id
    left join menus on accepted.menu_id = menus.menu_id

)

select * from named

-- What sold best on the newest day?
with

newest as (

    select max(order_day) as order_day
    from gold.gold_item_sales_day

)

select
    items.item_name,
    brands.brand_name,
    sales.units,
    sales.gross_revenue
from gold.gold_item_sales_day as sales
inner join newest on sales.order_day = newest.order_day
inner join reference.items as items on sales.item_id = items.item_id
inner join reference.brands as brands on items.brand_id = brands.brand_id
order by sales.units desc
limit 10

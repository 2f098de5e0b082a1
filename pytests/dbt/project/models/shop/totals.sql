{{ config(
    materialized='materialized_view',
    contract={'enforced': true},
    indexes=[
        {'columns': ['shop_name'], 'name': 'totals_by_name', 'cluster': 'serve'},
        {'default': true},
    ],
) }}

select
    shops.id as shop_id,
    shops.name as shop_name,
    count(*) as orders,
    sum(large_orders.amount)::numeric(38, 2) as revenue
from {{ ref('large_orders') }} as large_orders
inner join {{ ref('shops') }} as shops on large_orders.shop_id = shops.id
group by shops.id, shops.name

with

{{ imports([
    'gold_system_health',
    'gold_restaurant_performance',
    'gold_item_sales_day',
    'gold_brand_sales_day',
    'gold_kpis',
    'gold_funnel',
    'gold_delivery_by_region',
    'gold_delivery_by_gift_type'
]) }},

item_days as (

    select
        gross_revenue as revenue,
        order_day::timestamp as window_start
    from gold_item_sales_day

),

brand_days as (

    select
        revenue,
        order_day::timestamp as window_start
    from gold_brand_sales_day

),

kpi_orders as (

    select
        window_start,
        orders as purchases
    from gold_kpis

),

broken as (

    {{ difference_by_window(
        'delivery', 'restaurants_have_all_orders',
        'gold_restaurant_performance', 'gold_system_health', 'total_orders'
    ) }}

    union all

    {{ difference_by_window(
        'delivery', 'restaurants_have_all_revenue',
        'gold_restaurant_performance', 'gold_system_health', 'total_revenue'
    ) }}

    union all

    {{ difference_by_window(
        'kitchens', 'brands_have_no_more_revenue_than_items',
        'brand_days', 'item_days', 'revenue', '> 0'
    ) }}

    union all

    {{ difference_by_window(
        'clickstream', 'funnel_has_no_more_purchases_than_kpis',
        'gold_funnel', 'kpi_orders', 'purchases', '> 0'
    ) }}

    union all

    {{ difference_by_window(
        'santa', 'gift_types_have_the_gifts_of_regions',
        'gold_delivery_by_gift_type', 'gold_delivery_by_region', 'gifts'
    ) }}

)

select
    system,
    rule,
    window_start,
    difference
from broken

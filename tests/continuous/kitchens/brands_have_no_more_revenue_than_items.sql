-- Items without a brand are in no brand's revenue, so brands may have less.
{{ difference_by_window(
    ref('gold_brand_sales_day'), ref('gold_item_sales_day'),
    'revenue', 'gross_revenue',
    window='order_day::timestamp', broken_if='> 0'
) }}

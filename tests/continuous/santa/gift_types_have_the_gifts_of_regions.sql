-- The same gifts by type and by region, every five minutes.
{{ difference_by_window(
    ref('gold_delivery_by_gift_type'), ref('gold_delivery_by_region'), 'gifts'
) }}

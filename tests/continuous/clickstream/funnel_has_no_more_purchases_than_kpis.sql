-- The funnel leaves out what has no device or no country, so it may have less.
{{ difference_by_window(
    ref('gold_funnel'), ref('gold_kpis'), 'purchases', 'orders',
    broken_if='> 0'
) }}

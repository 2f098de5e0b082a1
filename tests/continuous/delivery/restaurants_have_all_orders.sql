-- Restaurants together have every order of the platform, window by window.
{{ difference_by_window(
    ref('gold_restaurant_performance'), ref('gold_system_health'),
    'total_orders'
) }}

{{ late_events_by_window([
    {
        'topic': 'orders',
        'events': 'bronze_orders',
        'event_time': 'order_date',
        'expectations': order_expectations(),
    },
    {
        'topic': 'status',
        'events': 'bronze_status',
        'event_time': 'status_time',
        'expectations': status_expectations(),
    },
]) }}

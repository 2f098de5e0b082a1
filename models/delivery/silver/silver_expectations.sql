{{ expectations_by_window([
    {
        'topic': 'orders',
        'events': 'bronze_orders',
        'expectations': order_expectations(),
    },
    {
        'topic': 'status',
        'events': 'bronze_status',
        'expectations': status_expectations(),
    },
]) }}

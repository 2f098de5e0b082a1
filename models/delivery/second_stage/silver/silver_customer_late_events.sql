{{ late_events_by_window([
    {
        'topic': 'payments',
        'events': 'bronze_payments',
        'event_time': 'dt_current_timestamp',
        'expectations': payment_expectations(),
    },
    {
        'topic': 'reviews',
        'events': 'bronze_reviews',
        'event_time': 'dt_current_timestamp',
        'expectations': review_expectations(),
    },
]) }}

{{ late_events_by_window([
    {
        'topic': 'santa-deliveries',
        'events': 'bronze_santa_deliveries',
        'event_time': 'event_time',
        'expectations': santa_delivery_expectations(),
    },
], tolerance=var('santa_lateness')) }}

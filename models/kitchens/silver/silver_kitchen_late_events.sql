{{ late_events_by_window([
    {
        'topic': 'kitchen-events',
        'events': 'bronze_all_events',
        'event_time': 'ts',
        'expectations': kitchen_event_expectations(),
    },
], tolerance=var('kitchens_lateness')) }}

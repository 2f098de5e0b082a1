{{ late_events_by_window([
    {
        'topic': 'web-events',
        'events': 'bronze_web_events',
        'event_time': 'ts',
        'expectations': web_event_expectations(),
    },
], tolerance=var('clickstream_lateness')) }}

{{ late_events_by_window([
    {
        'topic': 'dispatch',
        'events': 'bronze_dispatch',
        'event_time': 'dt_current_timestamp',
        'expectations': dispatch_expectations(),
    },
    {
        'topic': 'gps',
        'events': 'bronze_gps',
        'event_time': 'dt_current_timestamp',
        'expectations': gps_expectations(),
    },
]) }}

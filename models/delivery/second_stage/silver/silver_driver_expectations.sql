{{ expectations_by_window([
    {
        'topic': 'dispatch',
        'events': 'bronze_dispatch',
        'expectations': dispatch_expectations(),
    },
    {
        'topic': 'gps',
        'events': 'bronze_gps',
        'expectations': gps_expectations(),
    },
]) }}

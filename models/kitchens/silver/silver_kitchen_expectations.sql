{{ expectations_by_window([
    {
        'topic': 'kitchen-events',
        'events': 'bronze_all_events',
        'expectations': kitchen_event_expectations(),
    },
]) }}

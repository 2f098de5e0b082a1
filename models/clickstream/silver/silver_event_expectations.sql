{{ expectations_by_window([
    {
        'topic': 'web-events',
        'events': 'bronze_web_events',
        'expectations': web_event_expectations(),
    },
]) }}

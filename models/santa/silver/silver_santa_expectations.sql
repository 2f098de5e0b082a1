{{ expectations_by_window([
    {
        'topic': 'santa-deliveries',
        'events': 'bronze_santa_deliveries',
        'expectations': santa_delivery_expectations(),
    },
]) }}

{{ expectations_by_window([
    {
        'topic': 'payments',
        'events': 'bronze_payments',
        'expectations': payment_expectations(),
    },
    {
        'topic': 'reviews',
        'events': 'bronze_reviews',
        'expectations': review_expectations(),
    },
]) }}

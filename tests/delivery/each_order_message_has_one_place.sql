-- Every message of the last minute is in bronze or in quarantine, not in
-- both. Bounded, because bronze is not stored: the test would decode the topic.
{{ each_message_has_one_place(
    ref('kafka_orders'),
    ref('bronze_orders'),
    ref('bronze_quarantine'),
    topic='orders'
) }}

{{
    config(
        contract={'enforced': true},
        indexes=[{'columns': ['topic'], 'cluster': 'serve'}]
    )
}}

with

{{ imports(
    monitored_topics() | map(attribute='source') | list
    + monitored_topics() | map(attribute='events') | list
) }},

-- Two kinds of rows in one aggregate instead of a join of two: the messages as
-- they came, and those that could be typed.
measures as (

    {{ arrivals_and_events(monitored_topics()) }}

),

-- Counted before the minutes expire: a few groups are kept, not the events.
minutes as (

    select
        system,
        topic,
        {{ window_start('kafka_timestamp', '1 minute') }} as window_start,
        sum(messages) as messages,
        sum(messages) - sum(events) as malformed_messages,
        sum(slow_events) as slow_events,
        sum(late_events) as late_events,
        avg(latency_ms) as avg_latency_ms,
        max(latency_ms) as max_latency_ms,
        max(event_time) as watermark,
        max(kafka_timestamp) as newest_arrival
    from measures
    group by system, topic, window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    system,
    topic,
    messages,
    malformed_messages,
    slow_events,
    late_events,
    round(messages::numeric / 60, 2) as messages_per_second,
    round(avg_latency_ms, 1) as avg_latency_ms,
    max_latency_ms,
    {{ milliseconds_between('watermark', 'newest_arrival') }} as freshness_ms,
    round(
        (messages - malformed_messages)::numeric / nullif(messages, 0), 4
    ) as schema_compliance_rate,
    round(malformed_messages::numeric / nullif(messages, 0), 4)
        as quarantine_rate,
    round(late_events::numeric / nullif(messages, 0), 4) as late_rate,
    watermark
from minutes
where {{ window_is_retained('window_start', '1 minute') }}

{{
    config(
        indexes=[{'columns': ['topic'], 'cluster': 'serve'}]
    )
}}

with

{% for entry in monitored_topics() -%}
{{ entry.source }} as (

    select * from {{ ref(entry.source) }}

),

{{ entry.events }} as (

    select * from {{ ref(entry.events) }}

),

{% endfor -%}
-- Two kinds of rows in one aggregate instead of a join of two: the messages as
-- they came, and those that could be typed.
measures as (

    {% for entry in monitored_topics() -%}
    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        kafka_timestamp,
        1 as messages,
        0 as events,
        0 as slow_events,
        0 as late_events,
        null::numeric as latency_ms,
        null::timestamp as event_time
    from {{ entry.source }}

    union all

    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        kafka_timestamp,
        0 as messages,
        1 as events,
        case
            when
                kafka_timestamp
                > {{ entry.event_time }} + interval '{{ var("slo_latency") }}'
                then 1
            else 0
        end as slow_events,
        case
            when
                {{ meets_expectations(entry.expectations) }}
                and {{ is_late(
                    entry.event_time, 'kafka_timestamp', entry.tolerance
                ) }}
                then 1
            else 0
        end as late_events,
        {{ milliseconds_between(entry.event_time, 'kafka_timestamp') }}
            as latency_ms,
        {{ entry.event_time }} as event_time
    from {{ entry.events }}

    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
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

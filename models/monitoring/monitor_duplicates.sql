with

{% for entry in monitored_topics() -%}
{{ entry.events }} as (

    select * from {{ ref(entry.events) }}

),

{{ entry.kept }} as (

    select * from {{ ref(entry.kept) }}

),

{% endfor -%}
-- Silver keeps its rows at least as long as the minutes below are kept.
measures as (

    {% for entry in monitored_topics() -%}
    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        {{ entry.event_time }} as event_time,
        1 as accepted,
        0 as kept
    from {{ entry.events }}
    where
        {{ meets_expectations(entry.expectations) }}
        and {{ is_timely(
            entry.event_time, 'kafka_timestamp', entry.tolerance
        ) }}

    union all

    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        {{ entry.event_time }} as event_time,
        0 as accepted,
        1 as kept
    from {{ entry.kept }}

    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
),

minutes as (

    select
        system,
        topic,
        {{ window_start('event_time', '1 minute') }} as window_start,
        sum(accepted) as accepted_events,
        sum(accepted) - sum(kept) as repeated_events
    from measures
    group by system, topic, window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    system,
    topic,
    accepted_events,
    repeated_events,
    round(repeated_events::numeric / nullif(accepted_events, 0), 4)
        as duplicate_rate
from minutes
where {{ window_is_retained('window_start', '1 minute') }}

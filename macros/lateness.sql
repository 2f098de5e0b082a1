{#
    Whether an event reached Kafka in time. Both sides are times of the record,
    so the answer never changes, however often the topic is read again. The
    tolerance is an interval as text; without it, that of the vars.
#}


{% macro lateness_tolerance(tolerance=none) -%}
    interval '{{ tolerance or (var("lateness_minutes") ~ " minutes") }}'
{%- endmacro %}


{% macro is_late(event_time, arrival_time, tolerance=none) -%}
    {{ arrival_time }} > {{ event_time }} + {{ lateness_tolerance(tolerance) }}
{%- endmacro %}


{% macro is_early(event_time, arrival_time) -%}
{#- From the future: without this bound one wrong clock would be kept for years. -#}
    {{ arrival_time }} < {{ event_time }} - interval '{{ var("clock_skew_minutes") }} minutes'
{%- endmacro %}


{% macro is_timely(event_time, arrival_time, tolerance=none) -%}
    {{ arrival_time }} <= {{ event_time }} + {{ lateness_tolerance(tolerance) }}
    and {{ arrival_time }} >= {{ event_time }} - interval '{{ var("clock_skew_minutes") }} minutes'
{%- endmacro %}


{% macro late_event_counts(events, tolerance=none) -%}
{#-
    Late and early events per topic and window of arrival, out of a relation
    with the columns topic, event_time and kafka_timestamp. Counted before the
    windows expire: a few groups are kept, not the events.
-#}
    select
        topic,
        {{ window_start('kafka_timestamp') }} as window_start,
        count(*) as events,
        count(*) filter (
            where {{ is_late('event_time', 'kafka_timestamp', tolerance) }}
        ) as late_events,
        count(*) filter (
            where {{ is_early('event_time', 'kafka_timestamp') }}
        ) as early_events
    from {{ events }}
    group by topic, window_start
{%- endmacro %}


{% macro late_events_by_window(topics, tolerance=none) -%}
{#-
    A model: the late and early ones among the events that meet their rules, per
    topic and window of arrival. Topics as for expectations_by_window, each also
    with its event_time.
-#}
with

{{ imports(topics | map(attribute='events')) }},

valid as (

    {% for entry in topics -%}
    select
        '{{ entry.topic }}' as topic,
        {{ entry.event_time }} as event_time,
        kafka_timestamp
    from {{ entry.events }}
    where {{ meets_expectations(entry.expectations) }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

windows as (

    {{ late_event_counts('valid', tolerance) }}

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    topic,
    events,
    late_events,
    early_events
from windows
where {{ window_is_retained('window_start') }}
{%- endmacro %}

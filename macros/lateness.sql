{#
    Whether an event reached Kafka in time. Both sides are times of the record,
    so the answer never changes, however often the topic is read again.
#}


{% macro is_late(event_time, arrival_time) -%}
    {{ arrival_time }} > {{ event_time }} + interval '{{ var("lateness_minutes") }} minutes'
{%- endmacro %}


{% macro is_early(event_time, arrival_time) -%}
{#- From the future: without this bound one wrong clock would be kept for years. -#}
    {{ arrival_time }} < {{ event_time }} - interval '{{ var("clock_skew_minutes") }} minutes'
{%- endmacro %}


{% macro is_timely(event_time, arrival_time) -%}
    {{ arrival_time }} <= {{ event_time }} + interval '{{ var("lateness_minutes") }} minutes'
    and {{ arrival_time }} >= {{ event_time }} - interval '{{ var("clock_skew_minutes") }} minutes'
{%- endmacro %}

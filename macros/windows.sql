{# Tumbling windows over a timestamp, and how long their rows are kept. #}


{% macro window_length() -%}
    interval '{{ var("window_minutes") }} minutes'
{%- endmacro %}


{% macro window_start(event_time) -%}
{#- The start of the window that the time falls in; the start belongs to it. -#}
    date_bin({{ window_length() }}, {{ event_time }}, timestamp '2000-01-01')
{%- endmacro %}


{% macro window_end(window_start) -%}
{#- The end of the window that starts then; the end belongs to the next one. -#}
    {{ window_start }} + {{ window_length() }}
{%- endmacro %}


{% macro window_is_retained(window_start) -%}
{#-
    A temporal filter. All rows of one window pass it until the same moment, so
    a window leaves whole and never shows a part of its rows.
-#}
    {{ logical_now() }} < {{ window_start }} + interval '{{ var("retention_hours") }} hours {{ var("window_minutes") }} minutes'
{%- endmacro %}


{% macro is_retained(event_time) -%}
{#- The same for a row, by the window that its time falls in. -#}
    {{ window_is_retained(window_start(event_time)) }}
{%- endmacro %}

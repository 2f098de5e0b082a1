{#
    Tumbling windows over a timestamp, and how long their rows are kept. Length
    and retention are intervals as text; without them, those of the vars.
#}


{% macro window_length(length=none) -%}
    interval '{{ length or (var("window_minutes") ~ " minutes") }}'
{%- endmacro %}


{% macro window_start(event_time, length=none) -%}
{#- The start of the window that the time falls in; the start belongs to it. -#}
    date_bin({{ window_length(length) }}, {{ event_time }}, timestamp '2000-01-01')
{%- endmacro %}


{% macro window_end(window_start, length=none) -%}
{#- The end of the window that starts then; the end belongs to the next one. -#}
    {{ window_start }} + {{ window_length(length) }}
{%- endmacro %}


{% macro window_is_retained(window_start, length=none, retention=none) -%}
{#-
    A temporal filter. All rows of one window pass it until the same moment, so
    a window leaves whole and never shows a part of its rows.
-#}
    {{ logical_now() }} < {{ window_end(window_start, length) }} + interval '{{ retention or (var("retention_hours") ~ " hours") }}'
{%- endmacro %}


{% macro is_retained(event_time, length=none, retention=none) -%}
{#- The same for a row, by the window that its time falls in. -#}
    {{ window_is_retained(window_start(event_time, length), length, retention) }}
{%- endmacro %}

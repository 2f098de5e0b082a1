{# Lengths of time between two timestamps. #}


{% macro minutes_between(start_time, end_time) -%}
{#- Exact, with fractions. -#}
    extract(epoch from ({{ end_time }} - {{ start_time }})) / 60
{%- endmacro %}


{% macro whole_minutes_between(start_time, end_time) -%}
{#- Complete minutes. -#}
    floor({{ minutes_between(start_time, end_time) }})::integer
{%- endmacro %}


{% macro milliseconds_between(start_time, end_time) -%}
{#- Exact. -#}
    extract(epoch from ({{ end_time }} - {{ start_time }})) * 1000
{%- endmacro %}

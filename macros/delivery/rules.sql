{# Formulas of the delivery system that more than one model uses. #}


{% macro status_join_reach() -%}
{#- How far from order_date, on both sides, a status event belongs to the order. -#}
    interval '{{ var("status_join_hours") }} hours'
{%- endmacro %}


{% macro delay_mark(order_date) -%}
{#- After this moment an order that is still `preparing` is delayed. -#}
    {{ order_date }} + interval '{{ var("delay_minutes") }} minutes'
{%- endmacro %}


{% macro delivery_time_bucket(minutes) -%}
{#- Of a delivery that took so many minutes. -#}
    {%- set bounds = var('delivery_time_bounds') -%}
    case
            when {{ minutes }} < {{ bounds[0] }} then 'fast'
            when {{ minutes }} <= {{ bounds[1] }} then 'normal'
            when {{ minutes }} <= {{ bounds[2] }} then 'slow'
            else 'very_slow'
        end
{%- endmacro %}

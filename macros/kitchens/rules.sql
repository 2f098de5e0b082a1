{# Formulas of the kitchens. #}


{% macro unpivot_minutes(relation, measures) -%}
{#- One row per order and measure, out of the columns <measure>_minutes. -#}
    {%- for measure in measures %}
    select
        order_id,
        '{{ measure }}' as measure,
        {{ measure }}_minutes as duration
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

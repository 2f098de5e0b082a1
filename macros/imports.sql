{# What models begin with. #}


{% macro imports(models) -%}
{#- A CTE for each model, named like it. -#}
    {%- for model in models -%}
{{ model }} as (

    select * from {{ ref(model) }}

)
        {%- if not loop.last %},

{% endif -%}
    {%- endfor -%}
{%- endmacro %}

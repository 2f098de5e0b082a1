{% test in_range(model, column_name, minimum=none, maximum=none) %}
{#- No value lies outside the bounds, which are part of the range. -#}

select {{ column_name }}
from {{ model }}
where
    false
    {%- if minimum is not none %}
    or {{ column_name }} < {{ minimum }}
    {%- endif %}
    {%- if maximum is not none %}
    or {{ column_name }} > {{ maximum }}
    {%- endif %}

{% endtest %}

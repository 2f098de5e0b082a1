{% test unique_combination(model, columns) %}
{#- The columns together are a key of the model: no two rows share them. -#}

select
    {{ columns | join(',\n    ') }},
    count(*) as occurrences
from {{ model }}
group by
    {{ columns | join(',\n    ') }}
having count(*) > 1

{% endtest %}

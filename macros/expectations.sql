{#
    Expectations: rules with a name and a predicate, given as a list
        [{'rule': 'valid_order_id', 'predicate': 'order_id is not null'}, ..]
    A row meets a rule when the predicate is true; null is a failure.
#}


{% macro meets_expectations(expectations) -%}
{#- True for a row that meets them all. -#}
    {%- for expectation in expectations -%}
        {{ 'and ' if not loop.first }}({{ expectation.predicate }})
        {%- if not loop.last %}
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro failed_expectations(relation, expectations) -%}
{#- One row for each row of the relation and rule that it fails. -#}
    {%- for expectation in expectations %}
    select
        '{{ expectation.rule }}' as rule,
        {{ relation }}.*
    from {{ relation }}
    where ({{ expectation.predicate }}) is not true
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro count_failures(expectations) -%}
{#- One column for each rule: how many rows of the group fail it. -#}
    {%- for expectation in expectations -%}
        count(*) filter (where ({{ expectation.predicate }}) is not true)
            as {{ expectation.rule }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro unpivot_failures(relation, columns, topic, expectations) -%}
{#- One row for each rule out of the columns that count_failures made. -#}
    {%- for expectation in expectations %}
    select
        {{ columns | join(', ') }},
        '{{ topic }}' as topic,
        '{{ expectation.rule }}' as rule,
        evaluated_events,
        {{ expectation.rule }} as failed_events
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro failures_by_window(relation, expectations) -%}
{#-
    One row per window of arrival in Kafka, in the form of count_failures.
    Counted before the windows expire: a few groups are kept, not the events.
-#}
    select
        {{ window_start('kafka_timestamp') }} as window_start,
        count(*) as evaluated_events,
        {{ count_failures(expectations) }}
    from {{ relation }}
    group by window_start
{%- endmacro %}


{% macro expectations_by_window(topics) -%}
{#-
    A model: what each rule of each topic counted, per window of arrival. Topics
    as [{'topic': 'orders', 'events': 'bronze_orders', 'expectations': [..]}, ..].
-#}
with

{{ imports(topics | map(attribute='events')) }},

{% for entry in topics -%}
counted_{{ entry.events }} as (

    {{ failures_by_window(entry.events, entry.expectations) }}

),

{% endfor -%}
expectations as (

    {% for entry in topics -%}
    {{ unpivot_failures(
        'counted_' ~ entry.events, ['window_start'], entry.topic,
        entry.expectations
    ) }}
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    topic,
    rule,
    evaluated_events,
    failed_events
from expectations
where {{ window_is_retained('window_start') }}
{%- endmacro %}

{% macro each_message_has_one_place(messages, good, quarantine, topic=none) -%}
{#-
    A data test for one topic: rows of the last minute that are not in exactly
    one of the two places. With `topic`, the quarantine is that of several.
-#}
with

messages as (

    select
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        1 as occurrences
    from {{ messages }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

    union all

    select
        kafka_partition,
        kafka_offset,
        -1 as occurrences
    from {{ good }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

    union all

    select
        kafka_partition,
        kafka_offset,
        -1 as occurrences
    from {{ quarantine }}
    where
        {{ logical_now() }} < kafka_timestamp + interval '1 minute'
        {%- if topic %}
        and topic = '{{ topic }}'
        {%- endif %}

)

select
    kafka_partition,
    kafka_offset,
    sum(occurrences) as surplus
from messages
group by kafka_partition, kafka_offset
having sum(occurrences) != 0
{%- endmacro %}

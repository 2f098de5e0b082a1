{% macro bytes_source(topic) -%}
{#-
    The body of a source (dbt-materialize writes `create source .. in cluster ..`
    in front). Bytes without a key are the only form that no message can stop.
-#}
from kafka connection {{ kafka_connection() }}
(topic '{{ topic.identifier }}')
format bytes
include
    partition as kafka_partition,
    offset as kafka_offset,
    timestamp as kafka_timestamp
envelope none
{%- endmacro %}

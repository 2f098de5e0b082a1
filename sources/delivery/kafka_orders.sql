{#- dbt-materialize writes `create source .. in cluster ..` in front. #}
-- noqa: disable=PRS
from kafka connection {{ kafka_connection() }}
(topic '{{ source("kafka", "orders").identifier }}')
format bytes
include
    partition as kafka_partition,
    offset as kafka_offset,
    timestamp as kafka_timestamp
envelope none

{{
    config(
        materialized='sink',
        schema='sinks',
        cluster='ingest'
    )
}}

{#- dbt-materialize writes `create sink .. in cluster ..` in front. #}
-- noqa: disable=PRS
from {{ ref('sink_kafka_alerts') }}
into kafka connection {{ kafka_connection() }}
(topic 'delivery-alerts')
key (order_id)
key format text value format json
envelope upsert

{{
    config(
        materialized='sink',
        schema='sinks',
        cluster='ingest'
    )
}}

{#- dbt-materialize writes `create sink .. in cluster ..` in front. #}
-- noqa: disable=PRS
from {{ ref('pipeline_alerts') }}
into kafka connection {{ kafka_connection() }}
(topic 'pipeline-alerts')
key (system)
format json
envelope upsert

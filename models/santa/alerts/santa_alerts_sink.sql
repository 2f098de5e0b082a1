{{
    config(
        materialized='sink',
        schema='sinks',
        cluster='ingest'
    )
}}

{#- dbt-materialize writes `create sink .. in cluster ..` in front. #}
-- noqa: disable=PRS
from {{ ref('santa_alerts') }}
into kafka connection {{ kafka_connection() }}
(topic 'santa-alerts')
key (region, window_start)
format json
envelope upsert

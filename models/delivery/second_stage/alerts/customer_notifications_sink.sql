{{
    config(
        materialized='sink',
        schema='sinks',
        cluster='ingest'
    )
}}

{#- dbt-materialize writes `create sink .. in cluster ..` in front. #}
-- noqa: disable=PRS
from {{ ref('customer_notifications') }}
into kafka connection {{ kafka_connection() }}
(topic 'customer-notifications')
key (status_id)
key format text value format json
envelope upsert

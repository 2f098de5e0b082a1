{{ config(materialized='source_table', indexes=[{'default': true}]) }}

from source {{ ref('orders_stream') }} (reference "{{ env_var('TOPIC') }}")
format json
envelope none

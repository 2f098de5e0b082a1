{{ config(materialized='sink') }}

from {{ ref('totals') }}
into kafka connection {{ env_var('CONNECTION') }} (topic '{{ env_var('SINK_TOPIC') }}')
key (shop_id) not enforced
format json
envelope upsert

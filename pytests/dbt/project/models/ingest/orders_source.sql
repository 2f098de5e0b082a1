{{ config(materialized='source') }}

from kafka connection {{ env_var('CONNECTION') }} (topic '{{ env_var('TOPIC') }}')
format bytes

{{ config(materialized='view', indexes=[{'default': true}]) }}

select version from {{ ref('version') }}

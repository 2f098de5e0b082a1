{{ config(materialized='materialized_view') }}

select {{ var('least') }} as version

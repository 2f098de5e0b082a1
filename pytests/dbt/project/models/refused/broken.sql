{{ config(materialized='materialized_view', contract={'enforced': true}) }}

select 'a' as id

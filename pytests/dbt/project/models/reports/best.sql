{{ config(materialized='table') }}

select shop_name, revenue from {{ ref('totals') }} order by revenue desc limit 1

{{ config(materialized='view', contract={'enforced': true}) }}

select
    (data ->> 'id')::integer as id,
    (data ->> 'shop')::integer as shop_id,
    (data ->> 'amount')::numeric as amount
from {{ ref('orders_table') }}

{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

recommendations as (

    select * from {{ ref('refund_recommendations') }}

),

decisions as (

    select * from {{ ref('refund_decisions') }}

)

select
    order_id,
    gk_id,
    location,
    refund_class,
    reason,
    score,
    suggested_amount,
    revenue,
    delivered_at
from recommendations
where
    refund_class != 'none'
    and not exists (
        select 1
        from decisions
        where decisions.order_id = recommendations.order_id
    )

{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

scores as (

    select * from {{ ref('refund_scores') }}

),

policy as (

    select * from {{ ref('refund_policy') }}

),

headers as (

    select * from {{ ref('gold_order_header') }}

),

-- The highest class that the score reaches.
classified as (

    select distinct on (scores.order_id)
        scores.order_id,
        scores.score,
        scores.reason,
        scores.delivered_at,
        policy.name as refund_class,
        policy.value as paid_share
    from scores
    inner join policy on scores.score >= policy.at_least
    where policy.kind = 'class'
    order by scores.order_id asc, policy.at_least desc

)

select
    classified.order_id,
    headers.gk_id,
    headers.location,
    classified.refund_class,
    classified.reason,
    classified.score,
    headers.revenue,
    classified.delivered_at,
    round(headers.revenue * classified.paid_share, 2) as suggested_amount
from classified
inner join headers on classified.order_id = headers.order_id

with

timeline as (

    select * from {{ ref('silver_order_timeline') }}

),

policy as (

    select * from {{ ref('refund_policy') }}

),

delivered as (

    select *
    from timeline
    where delivered_at is not null

),

measures as (

    {{ unpivot_minutes('delivered', [
        'queue', 'cooking', 'packing', 'pickup', 'drive', 'total'
    ]) }}

),

broken_rules as (

    select
        measures.order_id,
        policy.name,
        policy.value as points,
        policy.description
    from measures
    inner join policy
        on
            measures.measure = policy.measure
            and measures.duration >= policy.at_least
    where policy.kind = 'rule'

),

scored as (

    select
        order_id,
        sum(points) as score,
        string_agg(description, '; ' order by points desc, name asc)
            as reason
    from broken_rules
    group by order_id

)

select
    delivered.order_id,
    delivered.delivered_at,
    coalesce(scored.reason, 'on time in every stage') as reason,
    coalesce(scored.score, 0) as score
from delivered
left join scored on delivered.order_id = scored.order_id

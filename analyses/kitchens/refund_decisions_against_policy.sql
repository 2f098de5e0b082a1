-- How far do people's decisions differ from what the policy recommends?
select
    recommendations.refund_class as recommended,
    decisions.decision as decided,
    count(*) as orders,
    sum(decisions.amount - recommendations.suggested_amount) as difference
from input.refund_decisions as decisions
inner join refunds.refund_recommendations as recommendations
    on decisions.order_id = recommendations.order_id
group by recommendations.refund_class, decisions.decision
order by recommended asc, decided asc

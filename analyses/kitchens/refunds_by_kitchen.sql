-- Which kitchens cause the most refunds, and how much do they cost?
select
    gk_id,
    count(*) as deliveries,
    count(*) filter (where refund_class != 'none') as refunds,
    sum(suggested_amount) as suggested_amount
from refunds.refund_recommendations
group by gk_id
order by suggested_amount desc
limit 20

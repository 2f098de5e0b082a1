-- Which gifts are given the most?
select
    gift_type,
    sum(gifts) as gifts,
    sum(delivered) as deliveries
from gold.gold_delivery_by_gift_type
group by gift_type
order by gifts desc

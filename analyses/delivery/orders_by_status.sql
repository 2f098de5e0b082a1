-- Where do the orders stand: how many have each status at this moment?
select
    statuses.step,
    coalesce(orders.status_name, 'none yet') as status_name,
    count(*) as orders,
    min(orders.order_date) as oldest_order_date
from silver.silver_current_orders as orders
left join reference.order_statuses as statuses
    on orders.status_name = statuses.status_name
group by statuses.step, orders.status_name
order by statuses.step asc nulls first, orders.status_name asc

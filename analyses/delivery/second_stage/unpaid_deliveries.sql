-- Which orders were delivered though nothing was paid for them?
select
    orders.order_id,
    orders.status_time as delivered_at,
    payments.payment_status,
    payments.failed_attempts,
    orders.total_amount
from silver.silver_current_orders as orders
inner join silver.silver_order_payments as payments
    on orders.order_id = payments.order_id
where
    orders.status_name = 'delivered'
    and payments.captured_amount = 0
order by orders.total_amount desc
limit 50

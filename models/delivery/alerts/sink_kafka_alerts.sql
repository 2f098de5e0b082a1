with

delayed_orders as (

    select * from {{ ref('silver_delayed_orders') }}

)

-- The key of the sink must be unique in a way that the engine can prove.
select distinct on (order_id)
    order_id,
    restaurant_key,
    driver_key,
    delay_minutes,
    'DELAYED_ORDER' as alert_type,
    delayed_since as timestamp
from delayed_orders
order by order_id asc, delayed_since asc

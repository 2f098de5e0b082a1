with

order_status as (

    select * from {{ ref('silver_order_status') }}

)

-- The key of the sink must be unique in a way that the engine can prove.
select distinct on (status_id)
    status_id,
    order_id,
    user_key,
    status_name,
    {{ notification_text('status_name') }} as message,
    status_time as timestamp
from order_status
where status_id is not null and user_key is not null
order by status_id asc, order_id asc

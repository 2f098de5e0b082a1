-- What the outputs must be: a batch computation in DuckDB over all messages of the topics (table `messages`: topic,
-- p, o, ts in ms, value as text or null). Written from the specification, not from the models. The parameter as_of is
-- the moment of the measurement, in ms: later than every mark in the topics.

create macro is_uuid(t) as regexp_full_match(t, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}');
create macro is_key(t) as strlen(t) between 1 and 64;
create macro moment(t) as try_strptime(t, '%Y-%m-%dT%H:%M:%S.%gZ');
create macro fits(t, is_good) as t is null or coalesce(is_good, false);

create table objects as
select topic, p, o, epoch_ms(ts) as arrived, value::json as j
from messages
where value is not null and json_valid(value) and json_type(value) = 'OBJECT';

create table typed_orders as
with fields as (
    select
        p, o, arrived,
        j ->> 'order_id' as order_id, j ->> 'user_key' as user_key, j ->> 'restaurant_key' as restaurant_key,
        j ->> 'driver_key' as driver_key, j ->> 'payment_id' as payment_id, j ->> 'total_amount' as amount,
        j ->> 'order_date' as placed, j ->> 'dt_current_timestamp' as written
    from objects where topic = 'orders'
)
select
    p, o, arrived, lower(order_id) as order_id, user_key, restaurant_key, driver_key,
    try_cast(amount as decimal(14, 2)) as total_amount, moment(placed) as order_date, moment(written) as written_at
from fields
where
    fits(order_id, is_uuid(order_id)) and fits(user_key, is_key(user_key))
    and fits(restaurant_key, is_key(restaurant_key)) and fits(driver_key, is_key(driver_key))
    and fits(payment_id, is_uuid(payment_id))
    and fits(amount, regexp_full_match(amount, '-?[0-9]{1,12}(\.[0-9]{1,2}0*)?'))
    and fits(placed, moment(placed) is not null) and fits(written, moment(written) is not null);

create table typed_status as
with fields as (
    select
        p, o, arrived, j -> 'status' as status,
        j ->> 'status_id' as status_id, j ->> 'order_identifier' as order_id,
        j -> 'status' ->> 'status_name' as status_name, j -> 'status' ->> 'timestamp' as happened,
        j ->> 'dt_current_timestamp' as written
    from objects where topic = 'status'
)
select p, o, arrived, status_id, lower(order_id) as order_id, status_name, moment(happened) as status_time
from fields
where
    fits(status_id, is_key(status_id)) and fits(order_id, is_uuid(order_id))
    and (status is null or json_type(status) in ('OBJECT', 'NULL')) and fits(status_name, is_key(status_name))
    and fits(happened, moment(happened) is not null) and fits(written, moment(written) is not null);

create macro is_timely(happened_at, arrived) as
    arrived <= happened_at + to_minutes(10) and arrived >= happened_at - to_minutes(60);

create table valid_orders as
select *, is_timely(order_date, arrived) as is_in_time
from typed_orders where order_id is not null and order_date is not null and total_amount > 0;

create table valid_status as
select *, is_timely(status_time, arrived) as is_in_time
from typed_status
where
    status_id is not null and order_id is not null and status_time is not null
    and status_name in
    ('placed', 'accepted', 'rejected', 'preparing', 'ready', 'picked_up', 'delivered', 'cancelled');

create table orders as
select *, epoch_ms(order_date) // 600000 * 600000 as w, order_date + to_minutes(30) as mark
from valid_orders where is_in_time
qualify row_number() over (partition by order_id order by written_at desc nulls last, p desc, o desc) = 1;

create table status as
select * from valid_status where is_in_time
qualify row_number() over (partition by status_id order by arrived, p, o) = 1;

create table order_status as
select orders.*, status.status_id, status.status_name, status.status_time
from orders left join status
on orders.order_id = status.order_id
    and status.status_time between orders.order_date - to_hours(2) and orders.order_date + to_hours(2);

create table current_orders as
select * from order_status
qualify row_number() over (partition by order_id order by status_time desc nulls last, status_id desc nulls last) = 1;

create table delayed as
select *, greatest(status_time, mark) as since
from current_orders
where status_name = 'preparing' and (status_time > mark or mark < epoch_ms($as_of));

create table delays as
select order_id, w, restaurant_key from order_status
where status_name in ('preparing', 'ready', 'picked_up', 'delivered', 'cancelled')
group by order_id, w, restaurant_key
having count(*) filter (where status_name = 'preparing') > 0
    and count(*) filter (where status_name != 'preparing' and status_time <= mark) = 0
    and count(*) filter (where status_name != 'preparing' and status_time > mark) > 0
union
select order_id, w, restaurant_key from delayed;

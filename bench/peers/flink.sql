-- The measured work in Flink SQL: one statement set. The names that begin with a dollar sign are filled in by flink.py.
--
-- What Flink SQL cannot express, and what stands for it:
-- - The clock makes nothing happen: SQL has no timers. An order that passes its mark without a further event is delayed
--   only with the next one. CURRENT_TIMESTAMP in a filter would be worse: the retraction of a row would be judged at
--   another time than the row was. All marks of the drained topics are past, so $AS_OF_MS, the moment of the
--   measurement, stands for the clock.
-- - An order without a status comes out of the interval join when the watermark has passed its two hours. A regular
--   join would show it at once, but is bounded by a time to live only, and keeps both sides until then.
-- - Windows of the TVF kind show a window once, when the watermark has closed it, and take no retractions. Groups by
--   the window's start are up to date after every record (or mini-batch) instead; their state ends by time to live.
-- - What comes late for the interval join is dropped without being counted; a difference in the outputs would show it.

create table orders (
    order_id string, user_key string, restaurant_key string, driver_key string, payment_id string,
    total_amount decimal(14, 2), order_date timestamp_ltz(3), dt_current_timestamp timestamp_ltz(3),
    arrived timestamp_ltz(3) metadata from 'timestamp' virtual,
    processed as proctime(),
    -- A time attribute must not be null, and broken messages have no time of their own.
    event_time as coalesce(order_date, arrived),
    watermark for event_time as event_time - interval '11' minute
) with (
    'connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = '$BROKERS',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'json', 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601'
);

create table status (
    status_id string, order_identifier string, status row<status_name string, `timestamp` timestamp_ltz(3)>,
    dt_current_timestamp timestamp_ltz(3),
    arrived timestamp_ltz(3) metadata from 'timestamp' virtual,
    processed as proctime(),
    event_time as coalesce(status.`timestamp`, arrived),
    watermark for event_time as event_time - interval '11' minute
) with (
    'connector' = 'kafka', 'topic' = 'status', 'properties.bootstrap.servers' = '$BROKERS',
    'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
    'format' = 'json', 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601'
);

create view valid_orders as
select order_id, user_key, restaurant_key, driver_key, total_amount, order_date, event_time, processed
from orders
where
    regexp(order_id, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
    and order_date is not null and total_amount > 0
    and arrived <= order_date + interval '10' minute and arrived >= order_date - interval '60' minute;

create view valid_status as
select
    status_id, order_identifier, status.status_name as status_name, status.`timestamp` as status_time, event_time
from status
where
    status_id is not null
    and regexp(order_identifier, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')
    and status.`timestamp` is not null
    and status.status_name in
    ('placed', 'accepted', 'rejected', 'preparing', 'ready', 'picked_up', 'delivered', 'cancelled')
    and arrived <= status.`timestamp` + interval '10' minute
    and arrived >= status.`timestamp` - interval '60' minute;

-- The first of each id by arrival: append-only, unlike the latest, and copies of an event are equal.
create view silver_orders as
select order_id, user_key, restaurant_key, driver_key, total_amount, order_date
from (
    select *, row_number() over (partition by order_id order by processed) as n
    from valid_orders
)
where n = 1;

-- The join reads what is not yet made unique, which saves state: copies of an event come out as copies of rows, and
-- change nothing for the latest status of an order and for whether an order has a status; nothing else reads this.
create view silver_order_status as
select
    o.order_id, o.restaurant_key, o.driver_key, o.user_key, o.total_amount, o.order_date,
    s.status_id, s.status_name, s.status_time
from valid_orders as o
left join valid_status as s
    on o.order_id = s.order_identifier
    and s.event_time between o.event_time - interval '2' hour and o.event_time + interval '2' hour;

create view silver_current_orders as
select order_id, restaurant_key, driver_key, order_date, status_name, status_time
from (
    select *, row_number() over (partition by order_id order by status_time desc, status_id desc) as n
    from silver_order_status
)
where n = 1;

create table gold_system_health (
    window_start bigint, total_orders bigint, total_revenue decimal(38, 2), unique_users bigint,
    unique_restaurants bigint, unique_drivers bigint, avg_order_value decimal(20, 2), orders_per_minute decimal(20, 2),
    revenue_per_minute decimal(20, 2), primary key (window_start) not enforced
) with (
    'connector' = 'upsert-kafka', 'topic' = 'gold_system_health', 'properties.bootstrap.servers' = '$BROKERS',
    'key.format' = 'json', 'value.format' = 'json', 'value.json.encode.decimal-as-plain-number' = 'true', $GUARANTEE
);

create table gold_restaurant_performance (
    window_start bigint, restaurant_key string, total_orders bigint, unique_drivers bigint,
    total_revenue decimal(38, 2), avg_order_value decimal(20, 2), delayed_orders bigint, delay_rate decimal(20, 4),
    primary key (window_start, restaurant_key) not enforced
) with (
    'connector' = 'upsert-kafka', 'topic' = 'gold_restaurant_performance', 'properties.bootstrap.servers' = '$BROKERS',
    'key.format' = 'json', 'value.format' = 'json', 'value.json.encode.decimal-as-plain-number' = 'true', $GUARANTEE
);

create table gold_driver_performance (
    window_start bigint, driver_key string, total_deliveries bigint, unique_restaurants bigint,
    total_earnings decimal(38, 4), avg_delivery_value decimal(20, 2), completed_deliveries bigint,
    completion_rate decimal(20, 4), primary key (window_start, driver_key) not enforced
) with (
    'connector' = 'upsert-kafka', 'topic' = 'gold_driver_performance', 'properties.bootstrap.servers' = '$BROKERS',
    'key.format' = 'json', 'value.format' = 'json', 'value.json.encode.decimal-as-plain-number' = 'true', $GUARANTEE
);

create table gold_delivery_time_distribution (
    window_start bigint, bucket string, order_count bigint, percentage decimal(20, 2),
    avg_delivery_minutes decimal(20, 2), primary key (window_start, bucket) not enforced
) with (
    'connector' = 'upsert-kafka', 'topic' = 'gold_delivery_time_distribution',
    'properties.bootstrap.servers' = '$BROKERS',
    'key.format' = 'json', 'value.format' = 'json', 'value.json.encode.decimal-as-plain-number' = 'true', $GUARANTEE
);

create table delivery_alerts (
    order_id string, restaurant_key string, driver_key string, delay_minutes bigint, alert_type string,
    `timestamp` bigint, primary key (order_id) not enforced
) with (
    'connector' = 'upsert-kafka', 'topic' = 'delivery-alerts', 'properties.bootstrap.servers' = '$BROKERS',
    'key.format' = 'raw', 'value.format' = 'json', $GUARANTEE
);

-- Milliseconds since 1970: Flink has no function for them on TIMESTAMP_LTZ.
create view orders_by_window as
select *, order_ms - mod(order_ms, 600000) as window_start
from (
    select
        *,
        timestampdiff(second, to_timestamp_ltz(0, 3), order_date) * cast(1000 as bigint)
        + extract(millisecond from order_date) as order_ms
    from silver_orders
);

create view order_status_by_window as
select *, order_ms - mod(order_ms, 600000) as window_start
from (
    select
        *,
        timestampdiff(second, to_timestamp_ltz(0, 3), order_date) * cast(1000 as bigint)
        + extract(millisecond from order_date) as order_ms
    from silver_order_status
);

create view current_by_window as
select *, order_ms - mod(order_ms, 600000) as window_start
from (
    select
        *,
        timestampdiff(second, to_timestamp_ltz(0, 3), order_date) * cast(1000 as bigint)
        + extract(millisecond from order_date) as order_ms,
        timestampdiff(second, to_timestamp_ltz(0, 3), status_time) * cast(1000 as bigint)
        + extract(millisecond from status_time) as status_ms
    from silver_current_orders
);

create view order_delays as
select order_id, restaurant_key, window_start
from order_status_by_window
where status_name in ('preparing', 'ready', 'picked_up', 'delivered', 'cancelled')
group by order_id, restaurant_key, window_start
having
    count(*) filter (where status_name = 'preparing') > 0
    and count(*) filter (
        where status_name <> 'preparing' and status_time <= order_date + interval '30' minute
    ) = 0
    and count(*) filter (
        where
        status_time > order_date + interval '30' minute
        or (status_name = 'preparing' and order_date + interval '30' minute < to_timestamp_ltz($AS_OF_MS, 3))
    ) > 0;

execute statement set begin

insert into gold_system_health
select
    window_start, total_orders, total_revenue, unique_users, unique_restaurants, unique_drivers,
    round(cast(total_revenue as decimal(20, 2)) / cast(total_orders as decimal(10, 0)), 2),
    round(cast(total_orders as decimal(20, 0)) / 10, 2),
    round(cast(total_revenue as decimal(20, 2)) / 10, 2)
from (
    select
        window_start, count(*) as total_orders, sum(total_amount) as total_revenue,
        count(distinct user_key) as unique_users, count(distinct restaurant_key) as unique_restaurants,
        count(distinct driver_key) as unique_drivers
    from orders_by_window
    group by window_start
);

insert into gold_restaurant_performance
select
    window_start, restaurant_key, total_orders, unique_drivers, total_revenue,
    round(cast(total_revenue as decimal(20, 2)) / cast(nullif(total_orders, 0) as decimal(10, 0)), 2),
    delayed_orders,
    round(cast(delayed_orders as decimal(20, 2)) / cast(nullif(total_orders, 0) as decimal(10, 0)), 4)
from (
    select
        window_start, restaurant_key, sum(orders) as total_orders, count(distinct driver_key) as unique_drivers,
        sum(total_amount) as total_revenue, sum(delays) as delayed_orders
    from (
        select
            window_start, restaurant_key, driver_key, total_amount,
            cast(1 as bigint) as orders, cast(0 as bigint) as delays
        from orders_by_window
        union all
        select
            window_start, restaurant_key, cast(null as string), cast(null as decimal(14, 2)),
            cast(0 as bigint), cast(1 as bigint)
        from order_delays
    )
    where restaurant_key is not null
    group by window_start, restaurant_key
);

insert into gold_driver_performance
select
    window_start, driver_key, total_deliveries, unique_restaurants,
    cast(cast(amount as decimal(20, 2)) * cast(0.15 as decimal(3, 2)) as decimal(38, 4)),
    round(cast(amount as decimal(20, 2)) / cast(nullif(total_deliveries, 0) as decimal(10, 0)), 2),
    completed_deliveries,
    round(cast(completed_deliveries as decimal(20, 2)) / cast(nullif(total_deliveries, 0) as decimal(10, 0)), 4)
from (
    select
        window_start, driver_key, sum(orders) as total_deliveries, count(distinct restaurant_key) as unique_restaurants,
        sum(total_amount) as amount, sum(deliveries) as completed_deliveries
    from (
        select
            window_start, driver_key, restaurant_key, total_amount,
            cast(1 as bigint) as orders, cast(0 as bigint) as deliveries
        from orders_by_window
        union all
        select
            window_start, driver_key, cast(null as string), cast(null as decimal(14, 2)),
            cast(0 as bigint), cast(1 as bigint)
        from current_by_window
        where status_name = 'delivered'
    )
    where driver_key is not null
    group by window_start, driver_key
);

-- A share of the window needs the window's sum: both counts are groups, joined by the window.
insert into gold_delivery_time_distribution
select
    b.window_start, b.bucket, b.n,
    round(cast(b.n * 100 as decimal(20, 2)) / cast(w.n as decimal(10, 0)), 2),
    round(cast(b.taken as decimal(20, 2)) / cast(b.n * 60000 as decimal(16, 0)), 2)
from (
    select window_start, bucket, count(*) as n, sum(taken) as taken
    from (
        select
            window_start, status_ms - order_ms as taken,
            case
                when status_ms - order_ms < 1800000 then 'fast'
                when status_ms - order_ms <= 3600000 then 'normal'
                when status_ms - order_ms <= 5400000 then 'slow'
                else 'very_slow'
            end as bucket
        from current_by_window
        where status_name = 'delivered'
    )
    group by window_start, bucket
) as b
inner join (
    select window_start, count(*) as n
    from current_by_window
    where status_name = 'delivered'
    group by window_start
) as w on b.window_start = w.window_start;

insert into delivery_alerts
select
    order_id, restaurant_key, driver_key, (since_ms - order_ms) / 60000, 'DELAYED_ORDER', since_ms
from (
    select *, case when status_ms > order_ms + 1800000 then status_ms else order_ms + 1800000 end as since_ms
    from current_by_window
    where status_name = 'preparing' and (status_ms > order_ms + 1800000 or order_ms + 1800000 < $AS_OF_MS)
);

end;

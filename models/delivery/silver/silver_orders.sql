with

events as (

    select * from {{ ref('bronze_orders') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(order_expectations()) }}
        and {{ is_timely('order_date', 'kafka_timestamp') }}
        and {{ is_retained('order_date') }}

),

latest as (

    select distinct on (order_id)
        order_id,
        user_key,
        restaurant_key,
        driver_key,
        payment_id,
        total_amount,
        order_date
    from accepted
    order by
        order_id asc,
        dt_current_timestamp desc nulls last,
        kafka_partition desc,
        kafka_offset desc

)

select * from latest

with

events as (

    select * from {{ ref('bronze_payments') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(payment_expectations()) }}
        and {{ is_timely('dt_current_timestamp', 'kafka_timestamp') }}
        -- As long as any order that the step can belong to.
        and {{ is_retained(
            "dt_current_timestamp + interval '"
            ~ var('status_join_hours') ~ " hours'"
        ) }}

),

first_seen as (

    select distinct on (payment_id, payment_status, dt_current_timestamp)
        payment_id,
        order_id,
        amount,
        method,
        payment_status,
        dt_current_timestamp as payment_time,
        kafka_partition,
        kafka_offset
    from accepted
    order by
        payment_id asc,
        payment_status asc,
        dt_current_timestamp asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

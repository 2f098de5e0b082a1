with

events as (

    select * from {{ ref('bronze_status') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(status_expectations()) }}
        and {{ is_timely('status_time', 'kafka_timestamp') }}
        -- As long as any order that the event can belong to.
        and {{ is_retained(
            "status_time + interval '" ~ var('status_join_hours') ~ " hours'"
        ) }}

),

first_seen as (

    select distinct on (status_id)
        status_id,
        order_identifier,
        status_name,
        status_time
    from accepted
    order by
        status_id asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

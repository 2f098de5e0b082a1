with

events as (

    select * from {{ ref('bronze_reviews') }}

),

accepted as (

    select *
    from events
    where
        {{ meets_expectations(review_expectations()) }}
        and {{ is_timely('dt_current_timestamp', 'kafka_timestamp') }}
        -- As long as any order that the review can belong to.
        and {{ is_retained(
            "dt_current_timestamp + interval '"
            ~ var('status_join_hours') ~ " hours'"
        ) }}

),

first_seen as (

    select distinct on (review_id)
        review_id,
        order_id,
        rating,
        comment,
        dt_current_timestamp as review_time
    from accepted
    order by
        review_id asc,
        kafka_timestamp asc,
        kafka_partition asc,
        kafka_offset asc

)

select * from first_seen

with

typed as (

    select * from {{ ref('bronze_reviews_typed') }}

),

reviews as (

    select
        review_id,
        order_id,
        rating,
        comment,
        dt_current_timestamp,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from typed
    where
        {{ fits_contract(reviews_contract()) }}

)

select * from reviews

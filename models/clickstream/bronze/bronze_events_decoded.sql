with

messages as (

    select * from {{ ref('bronze_events') }}

),

decoded as (

    select
        raw_data as data,
        {{ decode_json('raw_data', depth=1) }} as payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from messages

)

select * from decoded

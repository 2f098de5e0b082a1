with

messages as (

    select * from {{ ref('kafka_status') }}

),

decoded as (

    select
        data,
        {{ decode_json('data', depth=2, usual='strings') }} as payload,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        kafka_timestamp
    from messages

)

select * from decoded

with

messages as (

    select * from {{ ref('kafka_dispatch') }}

),

decoded as (

    select
        data,
        {{ decode_json('data', depth=1) }} as payload,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        kafka_timestamp
    from messages

)

select * from decoded

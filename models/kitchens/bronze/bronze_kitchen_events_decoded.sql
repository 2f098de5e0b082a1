with

messages as (

    select * from {{ ref('kafka_kitchen_events') }}

),

decoded as (

    select
        data,
        {{ decode_json('data', arrays=true, shape=kitchen_event_shape()) }}
            as payload,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        kafka_timestamp
    from messages

)

select * from decoded

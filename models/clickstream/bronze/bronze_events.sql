with

messages as (

    select * from {{ ref('kafka_web_events') }}

),

events as (

    select
        data as raw_data,
        case
            when {{ is_utf8('data') }}
                then convert_from(data, 'utf8')
        end as raw_text,
        'web-events' as topic,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        kafka_timestamp
    from messages

)

select * from events

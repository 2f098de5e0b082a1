with

decoded as (

    select * from {{ ref('bronze_events_decoded') }}

),

typed as (

    select
        {{ typed_columns(web_event_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

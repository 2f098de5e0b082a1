with

decoded as (

    select * from {{ ref('bronze_kitchen_events_decoded') }}

),

typed as (

    select
        {{ typed_columns(kitchen_event_contract()) }},
        payload,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from decoded
    where payload is not null

)

select * from typed

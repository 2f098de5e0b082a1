{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('bronze_web_events') }}

),

accepted as (

    select
        event_id,
        user_id,
        product_id,
        event_type,
        price,
        quantity,
        currency,
        ts,
        country,
        device,
        campaign,
        kafka_partition,
        kafka_offset,
        kafka_timestamp
    from events
    where
        {{ meets_expectations(web_event_expectations()) }}
        and {{ is_timely(
            'ts', 'kafka_timestamp', var('clickstream_lateness')
        ) }}
        and {{ is_retained('ts', '1 minute') }}

)

select * from accepted

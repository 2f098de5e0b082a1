with

messages as (

    select * from {{ ref('kafka_web_events') }}

),

quarantine as (

    select * from {{ ref('bronze_events_quarantine') }}

),

events as (

    select * from {{ ref('bronze_web_events') }}

),

accepted as (

    select * from {{ ref('silver_accepted_events') }}

),

first_seen as (

    select * from {{ ref('silver_events') }}

),

-- Counted before the minutes expire: a few groups are kept, not the events. A
-- duplicate is an accepted message that is not the first with its event_id.
measures as (

    select
        kafka_timestamp,
        1 as messages,
        0 as malformed,
        0 as late,
        0 as unknown_types,
        0 as duplicates
    from messages

    union all

    select
        kafka_timestamp,
        0 as messages,
        1 as malformed,
        0 as late,
        0 as unknown_types,
        0 as duplicates
    from quarantine

    union all

    select
        kafka_timestamp,
        0 as messages,
        0 as malformed,
        case
            when
                {{ meets_expectations(web_event_expectations()) }}
                and {{ is_late(
                    'ts', 'kafka_timestamp', var('clickstream_lateness')
                ) }}
                then 1
            else 0
        end as late,
        case
            when event_type not in ('page_view', 'add_to_cart', 'purchase')
                then 1
            else 0
        end as unknown_types,
        0 as duplicates
    from events

    union all

    select
        kafka_timestamp,
        0 as messages,
        0 as malformed,
        0 as late,
        0 as unknown_types,
        1 as duplicates
    from accepted

    union all

    select
        ingestion_time as kafka_timestamp,
        0 as messages,
        0 as malformed,
        0 as late,
        0 as unknown_types,
        -1 as duplicates
    from first_seen

),

minutes as (

    select
        {{ window_start('kafka_timestamp', '1 minute') }} as window_start,
        sum(messages) as messages,
        sum(malformed) as malformed_messages,
        sum(duplicates) as duplicate_events,
        sum(late) as late_events,
        sum(unknown_types) as unknown_types
    from measures
    group by window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    messages,
    malformed_messages,
    duplicate_events,
    late_events,
    unknown_types,
    round(
        (messages - malformed_messages)::numeric / nullif(messages, 0), 4
    ) as schema_compliance_rate,
    round(duplicate_events::numeric / nullif(messages, 0), 4)
        as duplicate_rate,
    round(late_events::numeric / nullif(messages, 0), 4) as late_rate
from minutes
where {{ window_is_retained('window_start', '1 minute') }}

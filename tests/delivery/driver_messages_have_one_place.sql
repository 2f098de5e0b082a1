-- Every message of the last minute is in bronze or in quarantine, not in
-- both. Bounded, because bronze is not stored: the test would decode the topic.
with

messages as (

    select
        'dispatch' as topic,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        1 as occurrences
    from {{ ref('kafka_dispatch') }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

    union all

    select
        'gps' as topic,
        kafka_partition,
        kafka_offset::bigint as kafka_offset,
        1 as occurrences
    from {{ ref('kafka_gps') }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

),

places as (

    select
        'dispatch' as topic,
        kafka_partition,
        kafka_offset,
        -1 as occurrences
    from {{ ref('bronze_dispatch') }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

    union all

    select
        'gps' as topic,
        kafka_partition,
        kafka_offset,
        -1 as occurrences
    from {{ ref('bronze_gps') }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

    union all

    select
        topic,
        kafka_partition,
        kafka_offset,
        -1 as occurrences
    from {{ ref('bronze_driver_quarantine') }}
    where {{ logical_now() }} < kafka_timestamp + interval '1 minute'

),

both_sides as (

    select * from messages
    union all
    select * from places

)

select
    topic,
    kafka_partition,
    kafka_offset,
    sum(occurrences) as surplus
from both_sides
group by topic, kafka_partition, kafka_offset
having sum(occurrences) != 0

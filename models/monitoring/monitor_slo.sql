{{
    config(
        contract={'enforced': true},
        indexes=[{'columns': ['system'], 'cluster': 'serve'}]
    )
}}

with

topics as (

    select * from {{ ref('monitor_topics') }}

),

broken_rules as (

    select * from {{ ref('monitor_broken_rules') }}

),

-- The last minutes only; the clock takes them away, no event has to come. The
-- row of zeros keeps a system here that is silent.
measures as (

    {{ silent_systems(
        ['delivery', 'kitchens', 'clickstream', 'santa']
    ) }}

    union all

    select
        system,
        messages,
        malformed_messages,
        late_events,
        slow_events,
        0 as broken_rules
    from topics
    where
        {{ logical_now() }}
        < window_end + interval '{{ var("slo_memory") }}'

    union all

    select
        system,
        0 as messages,
        0 as malformed_messages,
        0 as late_events,
        0 as slow_events,
        1 as broken_rules
    from broken_rules

),

systems as (

    select
        system,
        sum(messages) as messages,
        sum(broken_rules) as broken_rules,
        sum(slow_events - late_events) as slow_events,
        sum(malformed_messages) as malformed_messages,
        -- A late event is counted and dropped, and promises nothing.
        coalesce(
            round(
                sum(slow_events - late_events)::numeric
                / nullif(sum(messages - malformed_messages - late_events), 0),
                4
            ),
            0
        ) as slow_share,
        coalesce(
            round(
                sum(malformed_messages)::numeric / nullif(sum(messages), 0), 4
            ),
            0
        ) as malformed_share
    from measures
    group by system

),

-- Of a few events one is a large share; one alone breaks no promise.
judged as (

    select
        system,
        messages,
        broken_rules,
        slow_share,
        malformed_share,
        slow_events <= 1 or slow_share <= {{ var('slo_slow_share') }}
            as is_latency_met,
        malformed_messages <= 1
        or malformed_share <= {{ var('slo_malformed_share') }}
            as is_schema_met,
        broken_rules = 0 as is_consistency_met
    from systems

)

select
    system,
    messages,
    broken_rules,
    slow_share,
    malformed_share,
    is_latency_met,
    is_schema_met,
    is_consistency_met,
    is_latency_met and is_schema_met and is_consistency_met as is_met
from judged

{{ config(contract={'enforced': true}) }}

with

{{ imports(
    monitored_topics() | map(attribute='events') | list
    + monitored_topics() | map(attribute='kept') | list
) }},

-- Silver keeps its rows at least as long as the minutes below are kept.
measures as (

    {{ accepted_and_kept(monitored_topics()) }}

),

minutes as (

    select
        system,
        topic,
        {{ window_start('event_time', '1 minute') }} as window_start,
        sum(accepted) as accepted_events,
        sum(accepted) - sum(kept) as repeated_events
    from measures
    group by system, topic, window_start

)

select
    window_start,
    {{ window_end('window_start', '1 minute') }} as window_end,
    system,
    topic,
    accepted_events,
    repeated_events,
    round(repeated_events::numeric / nullif(accepted_events, 0), 4)
        as duplicate_rate
from minutes
where {{ window_is_retained('window_start', '1 minute') }}

-- How much of each topic is sent more than once?
select
    topic,
    sum(accepted_events) as accepted_events,
    sum(repeated_events) as repeated_events,
    round(sum(repeated_events) / sum(accepted_events), 4) as duplicate_rate
from monitoring.monitor_duplicates
group by topic
order by topic asc

-- Which share of the events broke a rule or came late, over the last day?
select
    topic,
    rule as reason,
    sum(evaluated_events) as events,
    sum(failed_events) as dropped_events
from silver.silver_expectations
group by topic, rule

union all

select
    topic,
    'late' as reason,
    sum(events) as events,
    sum(late_events) as dropped_events
from silver.silver_late_events
group by topic

order by topic, reason

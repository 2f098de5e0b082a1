-- Which share of the events broke a rule or came late, over the last day?
select
    rule as reason,
    sum(evaluated_events) as events,
    sum(failed_events) as dropped_events
from silver.silver_kitchen_expectations
group by rule

union all

select
    'late' as reason,
    sum(events) as events,
    sum(late_events) as dropped_events
from silver.silver_kitchen_late_events

order by reason asc

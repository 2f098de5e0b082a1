-- How has each topic done in the last minutes?
select
    topic,
    window_start,
    messages_per_second,
    avg_latency_ms,
    freshness_ms,
    schema_compliance_rate,
    late_rate
from monitoring.monitor_topics
order by window_start desc, topic asc
limit 25

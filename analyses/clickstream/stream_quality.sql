-- How good is what the producer sends?
select
    window_start,
    messages,
    schema_compliance_rate,
    duplicate_rate,
    late_rate,
    unknown_types
from monitoring.monitor_data_quality
order by window_start desc
limit 30

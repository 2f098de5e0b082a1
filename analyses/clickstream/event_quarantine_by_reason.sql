-- Which messages could not be read, why, and what does the newest look like?
select distinct on (reason)
    reason,
    kafka_timestamp,
    kafka_partition,
    kafka_offset,
    left(raw_text, 80) as beginning
from bronze.bronze_events_quarantine
order by reason asc, kafka_timestamp desc

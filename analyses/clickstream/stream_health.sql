-- Is the stream fast and fresh?
select
    window_start,
    events_per_second,
    avg_latency_ms,
    max_latency_ms,
    watermark,
    freshness_ms
from monitoring.monitor_stream_health
order by window_start desc
limit 30

-- Which systems keep their promises now?
select
    system,
    is_met,
    messages,
    broken_rules,
    slow_share,
    malformed_share
from monitoring.monitor_slo
order by is_met asc, system asc

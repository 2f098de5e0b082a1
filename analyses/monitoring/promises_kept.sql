-- Which systems keep their promises now?
select *
from monitoring.monitor_slo
order by is_met asc, system asc

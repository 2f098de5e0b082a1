-- How old is what gold shows, at most, per system?
select
    system,
    max(lag) as lag,
    bool_and(is_met) as is_met
from monitoring.monitor_gold_lag
group by system
order by lag desc, system asc

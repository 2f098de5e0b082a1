-- In what weather does the sleigh fly?
select
    weather.key as weather,
    sum(weather.value::numeric) as events
from
    gold.gold_overall_progress as windows
cross join
    jsonb_each_text(windows.events_by_weather) as weather (key, value)
group by weather.key
order by events desc

-- What needs attention: regions with many delays, and impossible jumps?
select
    'delays' as what,
    region as place,
    window_start as happened_at,
    delay_rate::text as detail
from alerts.santa_alerts

union all

select
    'jump' as what,
    city as place,
    event_time as happened_at,
    round(distance_km::numeric, 0)::text || ' km in ' || seconds::text || ' s'
        as detail
from alerts.silver_route_anomalies

order by happened_at desc
limit 50

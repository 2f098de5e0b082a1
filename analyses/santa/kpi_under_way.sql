-- How many deliveries are under way at this moment?
select count(*) as under_way
from (
    select distinct on (delivery_id) status
    from silver.silver_santa_deliveries
    order by delivery_id asc, event_time desc
) as latest
where latest.status = 'en_route'

-- Which drivers were somewhere that nobody can drive to in the time?
select
    subject_key,
    first_at,
    measure,
    detail
from silver.silver_fast_drivers
order by measure desc
limit 20;

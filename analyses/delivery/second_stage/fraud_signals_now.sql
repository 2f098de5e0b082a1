-- Who behaved like a cheat in the last hour, and by which rule?
select
    signal,
    subject_kind,
    subject_key,
    first_at,
    last_at,
    measure,
    limit_value,
    detail
from silver.silver_fraud_signals
where mz_now() < last_at + interval '1 hour'
order by last_at desc
limit 50

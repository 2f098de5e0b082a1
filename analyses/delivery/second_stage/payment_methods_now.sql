-- Which methods of payment failed most in the last hour?
select
    payment_method,
    sum(attempts) as attempts,
    sum(failed_attempts) as failed_attempts,
    round(sum(failed_attempts) / nullif(sum(attempts), 0), 4) as failure_rate
from gold.gold_payment_health
where mz_now() < window_end + interval '1 hour'
group by payment_method
order by failure_rate desc nulls last

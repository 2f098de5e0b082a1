with

regions as (

    select * from {{ ref('gold_delivery_by_region') }}

),

delayed_regions as (

    select
        region,
        window_start,
        window_end,
        delivered,
        delayed,
        round(delayed::numeric / (delivered + delayed), 4) as delay_rate
    from regions
    where
        delivered + delayed >= {{ var('santa_alert_deliveries') }}
        and delayed
        >= (delivered + delayed) * {{ var('santa_alert_delay_rate') }}

)

-- The key of the sink must be unique in a way that the engine can prove.
select distinct on (region, window_start)
    region,
    window_start,
    window_end,
    delivered,
    delayed,
    delay_rate,
    'REGION_DELAYED' as alert_type
from delayed_regions
order by region asc, window_start asc

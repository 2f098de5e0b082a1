{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

current_orders as (

    select * from {{ ref('silver_current_orders') }}

),

deliveries as (

    select
        {{ window_start('order_date') }} as window_start,
        {{ minutes_between('order_date', 'status_time') }} as delivery_minutes
    from current_orders
    where status_name = 'delivered'

),

buckets as (

    select
        window_start,
        {{ delivery_time_bucket('delivery_minutes') }} as bucket,
        count(*) as order_count,
        round(avg(delivery_minutes), 2) as avg_delivery_minutes
    from deliveries
    group by window_start, bucket

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    bucket,
    order_count,
    round(
        100.0 * order_count / sum(order_count) over (partition by window_start),
        2
    ) as percentage,
    avg_delivery_minutes
from buckets

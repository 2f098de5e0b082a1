{{
    config(
        indexes=[{'columns': ['window_start'], 'cluster': 'serve'}]
    )
}}

with

orders as (

    select * from {{ ref('silver_orders') }}

),

order_status as (

    select * from {{ ref('silver_order_status') }}

),

-- An order counts once for each status that it ever had.
reached as (

    select distinct
        order_id,
        order_date,
        status_name
    from order_status
    where status_name in ('accepted', 'rejected', 'cancelled', 'delivered')

),

-- Two kinds of rows in one aggregate instead of a join of two aggregates.
measures as (

    select
        {{ window_start('order_date') }} as window_start,
        'placed' as status_name
    from orders

    union all

    select
        {{ window_start('order_date') }} as window_start,
        status_name
    from reached

),

windows as (

    select
        window_start,
        count(*) filter (where status_name = 'placed') as placed,
        count(*) filter (where status_name = 'accepted') as accepted,
        count(*) filter (where status_name = 'rejected') as rejected,
        count(*) filter (where status_name = 'cancelled') as cancelled,
        count(*) filter (where status_name = 'delivered') as delivered
    from measures
    group by window_start

)

select
    window_start,
    {{ window_end('window_start') }} as window_end,
    placed,
    accepted,
    rejected,
    cancelled,
    delivered,
    round(delivered::numeric / nullif(placed, 0), 4) as fulfilment_rate,
    round(rejected::numeric / nullif(placed, 0), 4) as rejection_rate
from windows

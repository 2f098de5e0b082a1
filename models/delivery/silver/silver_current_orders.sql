{{
    config(
        indexes=[{'columns': ['order_id'], 'cluster': 'serve'}]
    )
}}

with

order_status as (

    select * from {{ ref('silver_order_status') }}

),

latest as (

    select distinct on (order_id)
        order_id,
        restaurant_key,
        driver_key,
        user_key,
        total_amount,
        order_date,
        status_id,
        status_name,
        status_time
    from order_status
    order by
        order_id asc,
        status_time desc nulls last,
        status_id desc nulls last

)

select * from latest

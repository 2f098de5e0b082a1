-- Each window of gold has the same length and begins on a multiple of it.
with

windows as (

    select
        window_start,
        window_end
    from {{ ref('gold_system_health') }}

    union all

    select
        window_start,
        window_end
    from {{ ref('gold_restaurant_performance') }}

    union all

    select
        window_start,
        window_end
    from {{ ref('gold_driver_performance') }}

    union all

    select
        window_start,
        window_end
    from {{ ref('gold_delivery_time_distribution') }}

)

select
    window_start,
    window_end
from windows
where
    window_end != {{ window_end('window_start') }}
    or window_start != {{ window_start('window_start') }}

with

lines as (

    select * from {{ ref('silver_order_lines') }}

),

rejected as (

    {{ failed_expectations('lines', order_line_expectations()) }}

)

select
    rule,
    order_id,
    line,
    gk_id,
    location,
    item_id,
    item,
    order_ts
from rejected

{{ config(contract={'enforced': true}) }}

-- What the tests read; dbt builds after them what reads all of it.
{% for name in [
    'gold_system_health',
    'gold_restaurant_performance',
    'gold_item_sales_day',
    'gold_brand_sales_day',
    'gold_kpis',
    'gold_funnel',
    'gold_delivery_by_region',
    'gold_delivery_by_gift_type'
] -%}
-- depends_on: {{ ref(name) }}
{% endfor %}
with

broken as (

    {{ failures_of(continuous_tests()) }}

)

select
    system,
    rule,
    window_start,
    difference
from broken

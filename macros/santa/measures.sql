{% macro delivery_measures() -%}
{#-
    What every window of gold counts about its events. Gifts count when they are
    delivered, so that none counts twice.
-#}
count(*) as events,
        coalesce(sum(gift_count) filter (where is_delivered), 0) as gifts,
        count(*) filter (where is_delivered) as delivered,
        count(*) filter (where is_delayed) as delayed
{%- endmacro %}


{% macro success_rate() -%}
{#- Of the deliveries that ended in the window; null without one. -#}
round(delivered::numeric / nullif(delivered + delayed, 0), 4)
{%- endmacro %}

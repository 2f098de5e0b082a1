{# Formulas of the delivery system that more than one model uses. #}


{% macro status_join_reach() -%}
{#- How far from order_date, on both sides, a status event belongs to the order. -#}
    interval '{{ var("status_join_hours") }} hours'
{%- endmacro %}


{% macro delay_mark(order_date) -%}
{#- After this moment an order that is still `preparing` is delayed. -#}
    {{ order_date }} + interval '{{ var("delay_minutes") }} minutes'
{%- endmacro %}


{% macro delivery_time_bucket(minutes) -%}
{#- Of a delivery that took so many minutes. -#}
    {%- set bounds = var('delivery_time_bounds') -%}
    case
            when {{ minutes }} < {{ bounds[0] }} then 'fast'
            when {{ minutes }} <= {{ bounds[1] }} then 'normal'
            when {{ minutes }} <= {{ bounds[2] }} then 'slow'
            else 'very_slow'
        end
{%- endmacro %}


{% macro pending_mark(payment_time) -%}
{#- After this moment a payment that is pending since then is so for too long. -#}
    {{ payment_time }} + interval '{{ var("pending_payment_minutes") }} minutes'
{%- endmacro %}


{% macro users_over_limit(signal, events, what, limit) -%}
{#-
    A signal for each user and window of order_date with more rows in the
    relation (user_key, order_date, event_time) than the limit.
-#}
    select
        '{{ signal }}' as signal,
        'user' as subject_kind,
        user_key as subject_key,
        min(event_time) as first_at,
        max(event_time) as last_at,
        count(*)::numeric as measure,
        {{ limit }}::numeric as limit_value,
        count(*)::text
        || ' {{ what }} in {{ var("window_minutes") }} minutes' as detail
    from {{ events }}
    where user_key is not null
    group by user_key, {{ window_start('order_date') }}
    having count(*) > {{ limit }}
{%- endmacro %}


{% macro ratings_by_speed(speeds) -%}
{#- How many reviews there are of deliveries of each speed, and their ratings. -#}
    {%- for speed in speeds -%}
        count(*) filter (where speed = '{{ speed }}') as {{ speed }}_reviews,
        sum(rating) filter (where speed = '{{ speed }}') as {{ speed }}_ratings
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro mean_ratings_by_speed(speeds) -%}
{#- Out of the columns that ratings_by_speed made. -#}
    {%- for speed in speeds -%}
        {{ speed }}_reviews,
    round({{ speed }}_ratings::numeric / nullif({{ speed }}_reviews, 0), 2)
        as {{ speed }}_avg_rating
        {%- if not loop.last %},
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

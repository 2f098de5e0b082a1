{# Formulas about drivers and their ways. #}


{% macro eta_speed(mean_kph) -%}
{#- The mean speed while moving, within bounds; without any, the usual one. -#}
    least(
            greatest(
                coalesce({{ mean_kph }}, {{ var('eta_usual_kph') }}),
                {{ var('eta_least_kph') }}
            ),
            {{ var('eta_greatest_kph') }}
        )
{%- endmacro %}


{% macro promise_mark(order_date) -%}
{#- An order is promised by then. -#}
    {{ order_date }} + interval '{{ var("promise_minutes") }} minutes'
{%- endmacro %}


{% macro is_too_fast(distance_km, seconds) -%}
{#- No driver comes so far in that time; 100 m to spare for what a receiver is off. -#}
    {{ distance_km }} > 0.1 + {{ seconds }} * {{ var('fastest_driver_kph') }} / 3600
{%- endmacro %}


{% macro cell(latitude, longitude) -%}
{#- The cell of the grid that a position falls in, as two columns. -#}
    floor({{ latitude }} / {{ var('matching_cell_degrees')[0] }})::integer
            as cell_north,
        floor({{ longitude }} / {{ var('matching_cell_degrees')[1] }})::integer
            as cell_east
{%- endmacro %}


{% macro notification_text(status_name) -%}
{#- What the customer is told. -#}
    case {{ status_name }}
        when 'placed' then 'We have your order.'
        when 'accepted' then 'The restaurant has accepted your order.'
        when 'rejected' then 'The restaurant cannot take your order.'
        when 'preparing' then 'Your order is being prepared.'
        when 'ready' then 'Your order is ready for the driver.'
        when 'picked_up' then 'Your order is on its way.'
        when 'delivered' then 'Your order has arrived.'
        when 'cancelled' then 'Your order is cancelled.'
    end
{%- endmacro %}

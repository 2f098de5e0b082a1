{# The rules of the delivery system; see macros/expectations.sql. #}


{% macro order_expectations() %}
    {{ return([
        {'rule': 'valid_order_id', 'predicate': 'order_id is not null'},
        {'rule': 'valid_order_date', 'predicate': 'order_date is not null'},
        {'rule': 'valid_total_amount', 'predicate': 'total_amount > 0'},
    ]) }}
{% endmacro %}


{% macro status_expectations() %}
{#- What a status event needs to be joined, ordered and counted once. -#}
    {{ return([
        {'rule': 'valid_status_id', 'predicate': 'status_id is not null'},
        {'rule': 'valid_order_identifier', 'predicate': 'order_identifier is not null'},
        {'rule': 'valid_status_time', 'predicate': 'status_time is not null'},
        {'rule': 'known_status_name', 'predicate': "status_name in ('placed', 'accepted', 'rejected', 'preparing', 'ready', 'picked_up', 'delivered', 'cancelled')"},
    ]) }}
{% endmacro %}


{% macro payment_expectations() %}
{#- One currency, so that amounts can be added up. -#}
    {{ return([
        {'rule': 'valid_payment_id', 'predicate': 'payment_id is not null'},
        {'rule': 'valid_payment_order', 'predicate': 'order_id is not null'},
        {'rule': 'valid_payment_time', 'predicate': 'dt_current_timestamp is not null'},
        {'rule': 'valid_payment_amount', 'predicate': 'amount > 0'},
        {'rule': 'valid_payment_method', 'predicate': 'method is not null'},
        {'rule': 'known_payment_currency', 'predicate': "currency = '" ~ var('currency') ~ "'"},
        {'rule': 'known_payment_status', 'predicate': "payment_status in ('pending', 'authorized', 'captured', 'failed', 'refunded')"},
    ]) }}
{% endmacro %}


{% macro review_expectations() %}
    {{ return([
        {'rule': 'valid_review_id', 'predicate': 'review_id is not null'},
        {'rule': 'valid_review_order', 'predicate': 'order_id is not null'},
        {'rule': 'valid_review_time', 'predicate': 'dt_current_timestamp is not null'},
        {'rule': 'valid_rating', 'predicate': 'rating between 1 and 5'},
    ]) }}
{% endmacro %}


{% macro dispatch_expectations() %}
    {{ return([
        {'rule': 'valid_dispatch_order', 'predicate': 'order_id is not null'},
        {'rule': 'valid_dispatch_driver', 'predicate': 'driver_key is not null'},
        {'rule': 'valid_dispatch_time', 'predicate': 'dt_current_timestamp is not null'},
        {'rule': 'valid_dispatch_dropoff', 'predicate': '(dropoff_latitude is null or dropoff_latitude between -90 and 90) and (dropoff_longitude is null or dropoff_longitude between -180 and 180)'},
        {'rule': 'known_dispatch_action', 'predicate': "action in ('offered', 'accepted', 'declined')"},
    ]) }}
{% endmacro %}


{% macro gps_expectations() %}
    {{ return([
        {'rule': 'valid_gps_driver', 'predicate': 'driver_key is not null'},
        {'rule': 'valid_gps_time', 'predicate': 'dt_current_timestamp is not null'},
        {'rule': 'valid_gps_position', 'predicate': 'latitude between -90 and 90 and longitude between -180 and 180'},
        {'rule': 'valid_gps_speed', 'predicate': 'speed_kph >= 0'},
    ]) }}
{% endmacro %}

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

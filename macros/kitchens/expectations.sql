{# The rules of the kitchens; see macros/expectations.sql. #}


{% macro kitchen_event_expectations() %}
    {{ return([
        {'rule': 'valid_event_id', 'predicate': 'event_id is not null'},
        {'rule': 'valid_order_id', 'predicate': 'order_id is not null'},
        {'rule': 'valid_ts', 'predicate': 'ts is not null'},
        {'rule': 'known_event_type', 'predicate': "event_type in ('order_created', 'gk_started', 'gk_finished', 'gk_ready', 'driver_picked_up', 'driver_ping', 'delivered')"},
        {'rule': 'valid_items', 'predicate': "event_type != 'order_created' or jsonb_typeof(body -> 'items') = 'array'"},
    ]) }}
{% endmacro %}


{% macro order_line_expectations() %}
    {{ return([
        {'rule': 'valid_item_id', 'predicate': 'item_id is not null'},
        {'rule': 'valid_price', 'predicate': 'price >= 0'},
        {'rule': 'valid_qty', 'predicate': 'qty > 0'},
    ]) }}
{% endmacro %}

{# What the topic of the clickstream promises, and its rules. #}


{% macro web_event_contract() %}
    {{ return([
        {'column': 'event_id', 'type': 'text', 'value': "payload ->> 'event_id'"},
        {'column': 'user_id', 'type': 'text', 'value': "payload ->> 'user_id'"},
        {'column': 'product_id', 'type': 'text', 'value': "payload ->> 'product_id'"},
        {'column': 'event_type', 'type': 'text', 'value': "payload ->> 'event_type'"},
        {'column': 'price', 'type': 'decimal(10, 2)', 'value': "payload ->> 'price'"},
        {'column': 'quantity', 'type': 'integer', 'value': "payload ->> 'quantity'"},
        {'column': 'currency', 'type': 'text', 'value': "payload ->> 'currency'"},
        {'column': 'ts', 'type': 'timestamp', 'value': "payload ->> 'ts'"},
        {'column': 'country', 'type': 'text', 'value': "payload ->> 'country'"},
        {'column': 'device', 'type': 'text', 'value': "payload ->> 'device'"},
        {'column': 'campaign', 'type': 'text', 'value': "payload ->> 'campaign'"},
    ]) }}
{% endmacro %}


{% macro web_event_expectations() %}
    {{ return([
        {'rule': 'valid_event_id', 'predicate': 'event_id is not null'},
        {'rule': 'valid_user_id', 'predicate': 'user_id is not null'},
        {'rule': 'valid_ts', 'predicate': 'ts is not null'},
        {'rule': 'known_event_type', 'predicate': "event_type in ('page_view', 'add_to_cart', 'purchase')"},
        {'rule': 'valid_purchase', 'predicate': "event_type != 'purchase' or (price >= 0 and quantity > 0)"},
    ]) }}
{% endmacro %}

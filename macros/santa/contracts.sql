{# What the topic of the sleigh promises, and its rules. #}


{% macro santa_delivery_contract() %}
    {{ return([
        {'column': 'delivery_id', 'type': 'uuid', 'value': "payload ->> 'delivery_id'"},
        {'column': 'event_time', 'type': 'timestamp', 'value': "payload ->> 'timestamp'"},
        {'column': 'city', 'type': 'text', 'value': "payload ->> 'city'"},
        {'column': 'country', 'type': 'text', 'value': "payload ->> 'country'"},
        {'column': 'region', 'type': 'text', 'value': "payload ->> 'region'"},
        {'column': 'latitude', 'type': 'double', 'value': "payload ->> 'latitude'"},
        {'column': 'longitude', 'type': 'double', 'value': "payload ->> 'longitude'"},
        {'column': 'gift_type', 'type': 'text', 'value': "payload ->> 'gift_type'"},
        {'column': 'gift_count', 'type': 'integer', 'value': "payload ->> 'gift_count'"},
        {'column': 'status', 'type': 'text', 'value': "payload ->> 'status'"},
        {'column': 'weather', 'type': 'text', 'value': "payload ->> 'weather'"},
        {'column': 'sleigh_speed_kmh', 'type': 'decimal(12, 2)', 'value': "payload ->> 'sleigh_speed_kmh'"},
        {'column': 'delivery_time_s', 'type': 'decimal(12, 2)', 'value': "payload ->> 'delivery_time_s'"},
        {'column': 'reindeer_energy', 'type': 'decimal(12, 2)', 'value': "payload ->> 'reindeer_energy'"},
    ]) }}
{% endmacro %}


{% macro santa_delivery_expectations() %}
    {{ return([
        {'rule': 'valid_delivery_id', 'predicate': 'delivery_id is not null'},
        {'rule': 'valid_timestamp', 'predicate': 'event_time is not null'},
        {'rule': 'known_status', 'predicate': "status in ('en_route', 'delivered', 'delayed')"},
        {'rule': 'valid_coordinates', 'predicate': 'latitude between -90 and 90 and longitude between -180 and 180'},
        {'rule': 'valid_gift_count', 'predicate': 'gift_count > 0'},
    ]) }}
{% endmacro %}

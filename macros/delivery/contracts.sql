{# What the topics of the delivery system promise; see macros/topic_contracts.sql. #}


{% macro orders_contract() %}
    {{ return([
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'user_key', 'type': 'text', 'value': "payload ->> 'user_key'"},
        {'column': 'restaurant_key', 'type': 'text', 'value': "payload ->> 'restaurant_key'"},
        {'column': 'driver_key', 'type': 'text', 'value': "payload ->> 'driver_key'"},
        {'column': 'payment_id', 'type': 'uuid', 'value': "payload ->> 'payment_id'"},
        {'column': 'total_amount', 'type': 'decimal(14, 2)', 'value': "payload ->> 'total_amount'"},
        {'column': 'order_date', 'type': 'timestamp', 'value': "payload ->> 'order_date'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}


{% macro status_contract() %}
    {{ return([
        {'column': 'status_id', 'type': 'text', 'value': "payload ->> 'status_id'"},
        {'column': 'order_identifier', 'type': 'uuid', 'value': "payload ->> 'order_identifier'"},
        {'column': 'is_status_object', 'type': 'object', 'value': "payload ->> 'status'", 'reason': 'invalid_status'},
        {'column': 'status_name', 'type': 'text', 'value': "payload -> 'status' ->> 'status_name'"},
        {'column': 'status_time', 'type': 'timestamp', 'value': "payload -> 'status' ->> 'timestamp'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}


{% macro payments_contract() %}
    {{ return([
        {'column': 'payment_id', 'type': 'uuid', 'value': "payload ->> 'payment_id'"},
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'amount', 'type': 'decimal(14, 2)', 'value': "payload ->> 'amount'"},
        {'column': 'currency', 'type': 'text', 'value': "payload ->> 'currency'"},
        {'column': 'method', 'type': 'text', 'value': "payload ->> 'method'"},
        {'column': 'payment_status', 'type': 'text', 'value': "payload ->> 'payment_status'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}


{% macro reviews_contract() %}
    {{ return([
        {'column': 'review_id', 'type': 'uuid', 'value': "payload ->> 'review_id'"},
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'rating', 'type': 'integer', 'value': "payload ->> 'rating'"},
        {'column': 'comment', 'type': 'prose(2000)', 'value': "payload ->> 'comment'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}


{% macro dispatch_contract() %}
    {{ return([
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'driver_key', 'type': 'text', 'value': "payload ->> 'driver_key'"},
        {'column': 'action', 'type': 'text', 'value': "payload ->> 'action'"},
        {'column': 'dropoff_latitude', 'type': 'double', 'value': "payload ->> 'dropoff_latitude'"},
        {'column': 'dropoff_longitude', 'type': 'double', 'value': "payload ->> 'dropoff_longitude'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}


{% macro gps_contract() %}
    {{ return([
        {'column': 'driver_key', 'type': 'text', 'value': "payload ->> 'driver_key'"},
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'latitude', 'type': 'double', 'value': "payload ->> 'latitude'"},
        {'column': 'longitude', 'type': 'double', 'value': "payload ->> 'longitude'"},
        {'column': 'speed_kph', 'type': 'decimal(9, 2)', 'value': "payload ->> 'speed_kph'"},
        {'column': 'dt_current_timestamp', 'type': 'timestamp', 'value': "payload ->> 'dt_current_timestamp'"},
    ]) }}
{% endmacro %}

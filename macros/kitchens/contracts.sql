{# What the topic of the kitchens promises; see macros/topic_contracts.sql. #}


{% macro kitchen_event_shape() %}
{#- An object of scalars with one object, the body; this has an array of objects. -#}
    {%- set item = json_object_of(json_scalar()) -%}
    {%- set body = json_object_of(json_scalar() ~ '|' ~ json_array_of(item)) -%}
    {{ return(json_object_of(json_scalar() ~ '|' ~ body)) }}
{% endmacro %}


{% macro kitchen_event_contract() %}
    {{ return([
        {'column': 'event_id', 'type': 'uuid', 'value': "payload ->> 'event_id'"},
        {'column': 'event_type', 'type': 'text', 'value': "payload ->> 'event_type'"},
        {'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"},
        {'column': 'gk_id', 'type': 'text', 'value': "payload ->> 'gk_id'"},
        {'column': 'location', 'type': 'text', 'value': "payload ->> 'location'"},
        {'column': 'sequence', 'type': 'integer', 'value': "payload ->> 'sequence'"},
        {'column': 'ts', 'type': 'timestamp', 'value': "payload ->> 'ts'"},
        {'column': 'body', 'type': 'jsonb', 'value': "payload ->> 'body'"},
    ]) }}
{% endmacro %}


{% macro order_line_contract() %}
{#- The fields of an item in the body of an order. -#}
    {{ return([
        {'column': 'item_id', 'type': 'integer', 'value': "item ->> 'item_id'"},
        {'column': 'menu_id', 'type': 'integer', 'value': "item ->> 'menu_id'"},
        {'column': 'category_id', 'type': 'integer', 'value': "item ->> 'category_id'"},
        {'column': 'brand_id', 'type': 'integer', 'value': "item ->> 'brand_id'"},
        {'column': 'item_name', 'type': 'text', 'value': "item ->> 'item_name'"},
        {'column': 'price', 'type': 'decimal(14, 2)', 'value': "item ->> 'price'"},
        {'column': 'qty', 'type': 'integer', 'value': "item ->> 'qty'"},
    ]) }}
{% endmacro %}

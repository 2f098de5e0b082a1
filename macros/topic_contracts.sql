{#
    Typing the fields of decoded messages, and telling which field does not fit.

    A topic's contract is a list with one entry for each column:
        [{'column': 'order_id', 'type': 'uuid', 'value': "payload ->> 'order_id'"}, ..]
    `value` is the field as text, `type` one that safe_cast_as knows, or `object`
    for a field that must be a JSON object (the column then says whether it is), or
    `jsonb` for one that is kept as a document.
    A field that is absent or null fits every type; one that is there and cannot
    be cast sends the whole message to quarantine.
#}


{% macro typed_columns(contract) -%}
{#- The columns of a contract, cast; null where the field does not fit. -#}
    {%- for field in contract -%}
        {%- if field.type == 'object' -%}
            case
            when jsonb_typeof({{ field.value | replace('->>', '->') }}) = 'object'
                then true
        end
        {%- elif field.type == 'jsonb' -%}
            case
            when jsonb_typeof({{ field.value | replace('->>', '->') }}) = 'object'
                then {{ field.value | replace('->>', '->') }}
        end
        {%- else -%}
            {{ safe_cast_as(field.type, field.value) }}
        {%- endif %} as {{ field.column }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro fits_contract(contract) -%}
{#- True when each field is either typed or not there. -#}
    {%- for field in contract -%}
        {{ 'and ' if not loop.first }}({{ field.column }} is not null or {{ field.value }} is null)
        {%- if not loop.last %}
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro first_misfit(contract) -%}
{#- invalid_<column>, or the entry's `reason`, for the first field that does not fit. -#}
    case
        {%- for field in contract %}
            when {{ field.column }} is null and {{ field.value }} is not null
                then '{{ field.get('reason', 'invalid_' ~ field.column) }}'
        {%- endfor %}
        end
{%- endmacro %}


{% macro quarantined(topic, decoded, typed, contract) -%}
{#-
    What of a topic could not be decoded or typed. The raw text is the message
    as it came, escaped where it is not UTF-8; of a message that was decoded, the
    document.
-#}
    select
        '{{ topic }}' as topic,
        kafka_partition,
        kafka_offset,
        case
            when {{ is_utf8('data') }}
                then 'invalid_json'
            else 'invalid_utf8'
        end as reason,
        case
            when {{ is_utf8('data') }}
                then convert_from(data, 'utf8')
            else encode(data, 'escape')
        end as raw_text,
        kafka_timestamp
    from {{ decoded }}
    where payload is null

    union all

    select
        '{{ topic }}' as topic,
        kafka_partition,
        kafka_offset,
        {{ first_misfit(contract) }} as reason,
        payload::text as raw_text,
        kafka_timestamp
    from {{ typed }}
    where not (
        {{ fits_contract(contract) }}
    )
{%- endmacro %}

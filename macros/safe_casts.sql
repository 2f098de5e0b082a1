{#
    Casts that give null where a plain cast would raise an error: one bad field
    must not stop a view. Each takes an expression of type text, tests it by
    length and pattern, and casts only what passed: CASE evaluates lazily.
    Patterns read alike in Materialize (Rust) and PostgreSQL; they avoid counted
    repetition, which costs PostgreSQL a state for every count and every call.
#}


{% macro safe_cast_as(type, text) -%}
{#-
    By the name of the type: text, uuid, timestamp, integer, double,
    decimal(p, s), or prose(n).
-#}
    {%- if type == 'text' -%}
        {{ safe_text(text) }}
    {%- elif type == 'uuid' -%}
        {{ safe_uuid(text) }}
    {%- elif type == 'timestamp' -%}
        {{ safe_timestamp(text) }}
    {%- elif type == 'integer' -%}
        {{ safe_integer(text) }}
    {%- elif type == 'double' -%}
        {{ safe_double(text) }}
    {%- elif type.startswith('decimal(') -%}
        {%- set size = type[8:-1].split(',') -%}
        {{ safe_decimal(text, size[0] | int, size[1] | int) }}
    {%- elif type.startswith('prose(') -%}
        {{ safe_prose(text, type[6:-1] | int) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("no safe cast to type '" ~ type ~ "'") }}
    {%- endif -%}
{%- endmacro %}


{% macro safe_text(text, maximum_length=64) -%}
{#- Keys and names: not empty, at most so many bytes. -#}
    case
            when octet_length({{ text }}) between 1 and {{ maximum_length }}
                then {{ text }}
        end
{%- endmacro %}


{% macro safe_prose(text, maximum_length) -%}
{#- What people write: may be empty, at most so many bytes. -#}
    case
            when octet_length({{ text }}) <= {{ maximum_length }}
                then {{ text }}
        end
{%- endmacro %}


{% macro safe_uuid(text) -%}
{#- The canonical form only: five groups of hexadecimal digits, 8-4-4-4-12. -#}
    {%- set hexadecimal = '[0-9a-fA-F]*' -%}
    case
            when
                {{ text }} like '________-____-____-____-____________'
                and {{ text }} ~ '^{{ ([hexadecimal] * 5) | join('-') }}$'
                then ({{ text }})::uuid
        end
{%- endmacro %}


{% macro safe_integer(text) -%}
{#- At most nine digits, so that every match fits. -#}
    case
            when
                octet_length({{ text }}) <= 9
                and {{ text }} ~ '^-?[0-9]+$'
                then ({{ text }})::integer
        end
{%- endmacro %}


{% macro safe_decimal(text, precision, scale) -%}
{#-
    Exact: more decimal places than the scale are an error of the producer, not
    something to round (zeros at the end do not count). The text is bounded by
    the digits before the point, so that every match fits.
-#}
    case
            when
                octet_length({{ text }}) <= {{ precision - scale }}
                and {{ text }} ~ '^-?[0-9]+(?:\.[0-9]{1,{{ scale }}}0*)?$'
                then ({{ text }})::numeric({{ precision }}, {{ scale }})
        end
{%- endmacro %}


{% macro safe_double(text) -%}
{#-
    For measurements, never for money. No exponent: what reads like a position
    or a speed needs none, and every match is in range.
-#}
    case
            when
                octet_length({{ text }}) <= 24
                and {{ text }} ~ '^-?[0-9]+(?:\.[0-9]+)?$'
                then ({{ text }})::double precision
        end
{%- endmacro %}


{% macro safe_timestamp(text) -%}
{#- YYYY-MM-DDThh:mm:ss.sssZ, to a timestamp without time zone in UTC. -#}
    try_parse_monotonic_iso8601_timestamp({{ text }})
{%- endmacro %}

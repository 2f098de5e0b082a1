{#
    Decoding JSON out of bytes without ever raising an error.

    A cast of broken text to jsonb fails, and with it every view that reads it.
    So a message passes guards in front of the cast, each a plain expression
    that cannot fail: first valid UTF-8, then a JSON object of the shape that
    the topic's contract allows. Materialize has no function that tries a cast.

    The shape is a regular expression. It stays small, and linear in the depth,
    by two changes to a copy of the text: an opening brace is followed by a
    comma, so that every member begins with one and a list of members is a plain
    repetition; and each valid escape becomes the letter x, so that a string
    needs no alternative for escapes. x outside a string is no valid JSON, hence
    an escape out of place is still refused, and so is a backslash that is left.
    Numbers are bounded, because Materialize's numeric has 39 digits.
#}


{% macro decode_json(bytes, depth=1, arrays=false, shape=none, usual='scalars') -%}
{#-
    jsonb out of bytes, or null.

    depth: 1 for an object of scalars, 2 where its values may be such objects..
    arrays: whether arrays of what the depth allows may stand there too; each
        level then doubles the pattern, so leave it off where the contract does.
    shape: in place of the depth, what exactly the topic's contract allows, as
        json_object_of and json_array_of make it; it grows by what it names.
    usual: what most messages have as values, strings or scalars. It only says
        what the cheaper pattern looks for; others are decoded all the same.

    Most messages are ASCII without a backslash: escaping leaves them as they
    are, which is cheaper to see than a match. And most are written compactly,
    with strings, small numbers and nulls: for them a pattern with few states
    and few classes of characters does, at less than half the cost.
-#}
    {%- set text = "convert_from(" ~ bytes ~ ", 'utf8')" -%}
    {%- set pattern = json_pattern(shape) if shape else json_object_pattern(depth, arrays) -%}
    case
            when octet_length(encode({{ bytes }}, 'escape')) = octet_length({{ bytes }})
                then
                    case
                        {%- if not arrays and not shape %}
                        when
                            {{ separate_members(text) }}
                            ~ '{{ compact_object_pattern(depth, usual) }}'
                            then {{ text }}::jsonb
                        {%- endif %}
                        when
                            {{ separate_members(text, arrays) }}
                            ~ '{{ pattern }}'
                            then {{ text }}::jsonb
                    end
            when {{ is_utf8(bytes) }}
                then
                    case
                        when
                            {{ separate_members(without_escapes(text), arrays) }}
                            ~ '{{ pattern }}'
                            then {{ text }}::jsonb
                    end
        end
{%- endmacro %}


{% macro is_utf8(bytes) -%}
{#-
    Escaping writes a byte over 0x7f as \nnn in octal and a backslash twice. A
    zero byte is refused, because PostgreSQL's text cannot hold it.
-#}
    encode({{ bytes }}, 'escape') ~ '^(?:[\u0001-\u005b\u005d-\u007f]|\\\\|\\(?:30[2-7]|3[1-3][0-7])\\2[0-7][0-7]|\\340\\2[4-7][0-7]\\2[0-7][0-7]|\\3(?:4[1-7]|5[0-467])\\2[0-7][0-7]\\2[0-7][0-7]|\\355\\2[0-3][0-7]\\2[0-7][0-7]|\\360\\2[2-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\36[1-3]\\2[0-7][0-7]\\2[0-7][0-7]\\2[0-7][0-7]|\\364\\2[01][0-7]\\2[0-7][0-7]\\2[0-7][0-7])*$'
{%- endmacro %}


{% macro without_escapes(text) -%}
{#- Valid escapes as x. Not valid: \u0000, and one half of a surrogate pair. -#}
    {%- set digit = '[0-9a-fA-F]' -%}
    {%- set not_zero = '[1-9a-fA-F]' -%}
    {%- set plain -%}
        [1-9a-cA-CeEfF]{{ digit * 3 }}|[dD][0-7]{{ digit * 2 }}|0{{ not_zero }}{{ digit * 2 }}|00{{ not_zero }}{{ digit }}|000{{ not_zero }}
    {%- endset -%}
    {%- set pair -%}
        [dD][89abAB]{{ digit * 2 }}\\u[dD][c-fC-F]{{ digit * 2 }}
    {%- endset -%}
    regexp_replace({{ text }}, '\\(?:["\\/bfnrt]|u(?:{{ plain }}|{{ pair }}))', 'x', 'g')
{%- endmacro %}


{% macro separate_members(text, arrays=false) -%}
{#- Opening braces (and brackets) with a comma after them. -#}
    {%- set braces = "replace(" ~ text ~ ", '{', '{,')" -%}
    {{ "replace(" ~ braces ~ ", '[', '[,')" if arrays else braces }}
{%- endmacro %}


{% macro json_object_pattern(depth, arrays=false) -%}
{#- Over text whose members were separated and whose escapes were replaced. -#}
    {%- set shape = namespace(value=json_scalar(), object='') -%}
    {%- for _ in range(depth) -%}
        {%- set shape.object = json_object_of(shape.value) -%}
        {%- set array = json_array_of(shape.value) -%}
        {%- set shape.value = json_scalar() ~ '|' ~ shape.object ~ ('|' ~ array if arrays else '') -%}
    {%- endfor -%}
    {{ json_pattern(shape.object) }}
{%- endmacro %}


{% macro json_pattern(shape) -%}
{#- The whole text has this shape. -#}
    ^{{ json_space() ~ shape ~ json_space() }}$
{%- endmacro %}


{% macro json_space() -%}
    [ \t\n\r]*
{%- endmacro %}


{% macro json_string() -%}
    "[^"\\\u0001-\u001f]*"
{%- endmacro %}


{% macro json_scalar() -%}
    {{ json_string() }}|-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?(?:[eE][+-]?[01]?[0-9])?|true|false|null
{%- endmacro %}


{% macro json_object_of(value) -%}
{#- An object whose values have this shape. -#}
    {%- set member = ',' ~ json_space() ~ json_string() ~ json_space() ~ ':' ~ json_space() ~ '(?:' ~ value ~ ')' ~ json_space() -%}
    \{(?:(?:{{ member }})+|,{{ json_space() }})\}
{%- endmacro %}


{% macro json_array_of(value) -%}
{#- An array whose elements have this shape. -#}
    {%- set element = ',' ~ json_space() ~ '(?:' ~ value ~ ')' ~ json_space() -%}
    \[(?:(?:{{ element }})+|,{{ json_space() }})\]
{%- endmacro %}


{% macro compact_object_pattern(depth, usual) -%}
{#-
    A part of what json_object_pattern matches: at most a space after a colon or
    a comma, numbers of few digits, no true and false, no empty object. Whatever
    it leaves out is for the other pattern. With strings alone it takes 5
    microseconds for a status event and not 9: PostgreSQL finds the states of a
    pattern anew for each text, and here there are few.
-#}
    {%- set string = '"[^"\\\\\\u0001-\\u001f]*"' -%}
    {%- set number = '(?:0|[1-9][0-9]{0,5})(?:\\.[0-9]{1,3})?' -%}
    {%- set scalar = string ~ ('|' ~ number ~ '|null' if usual == 'scalars' else '') -%}
    {%- set shape = namespace(value=scalar, object='') -%}
    {%- for _ in range(depth) -%}
        {%- set member = ', ?' ~ string ~ ': ?(?:' ~ shape.value ~ ')' -%}
        {%- set shape.object = '\\{(?:' ~ member ~ ')+\\}' -%}
        {%- set shape.value = scalar ~ '|' ~ shape.object -%}
    {%- endfor -%}
    ^{{ shape.object }}$
{%- endmacro %}

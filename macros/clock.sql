{% macro logical_now() -%}
{#-
    The moment a maintained view is at. It may only stand alone on one side of a
    comparison. Unit tests override this macro to stop the clock.
-#}
    mz_now()
{%- endmacro %}

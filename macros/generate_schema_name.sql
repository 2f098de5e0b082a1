{% macro generate_schema_name(custom_schema_name, node) -%}
{#-
    A layer's schema is called like the layer, without the target's schema in
    front. HOTPLATE_SCHEMA_PREFIX keeps several people apart who share one
    database; the suffix is dbt-materialize's for blue/green deployments.
-#}
    {%- set schema_name = (custom_schema_name or target.schema) | trim -%}
    {%- set suffix = '_dbt_deploy' if var('deploy', false) else '' -%}
    {{ env_var('HOTPLATE_SCHEMA_PREFIX', '') }}{{ schema_name }}{{ suffix }}
{%- endmacro %}

{# Schemas as they are written, clusters with a prefix; both as teams override them. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set suffix = '_dbt_deploy' if var('deploy', false) and custom_schema_name in ('shop', 'reports') else '' -%}
    {{ (custom_schema_name or target.schema) | trim }}{{ suffix }}
{%- endmacro %}

{% macro generate_cluster_name(custom_cluster_name) -%}
    {%- if custom_cluster_name -%}
        {%- if custom_cluster_name.startswith('team_') -%}
            {{ custom_cluster_name }}
        {%- else -%}
            team_{{ custom_cluster_name }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro generate_deploy_cluster_name(custom_cluster_name) -%}
    {{ custom_cluster_name }}_dbt_deploy
{%- endmacro %}

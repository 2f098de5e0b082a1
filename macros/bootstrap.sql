{# What must exist before the first source: clusters and the Kafka connection. #}


{% macro bootstrap() %}
{#-
    Creates what is missing and leaves alone what is there; runs before every
    command that changes the database. By hand: dbt run-operation bootstrap
-#}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'run-operation'] -%}
        {%- do create_missing_clusters(['ingest', 'transform', 'serve']) -%}
        {%- do create_missing_kafka_connection() -%}
    {%- endif -%}
{% endmacro %}


{% macro create_missing_clusters(names) %}
{#- Size: MZ_CLUSTER_SIZE, the same for all of them to begin with. -#}
    {%- set existing = run_query('select name from mz_clusters').columns[0].values() -%}
    {%- for name in names if name not in existing -%}
        {%- do run_query(
            "create cluster " ~ name ~ " (size '" ~ env_var('MZ_CLUSTER_SIZE', '25cc') ~ "')"
        ) -%}
    {%- endfor -%}
{% endmacro %}


{% macro create_missing_kafka_connection() %}
{#-
    To KAFKA_BROKERS (comma-separated); with KAFKA_SASL_USERNAME, and
    KAFKA_SASL_MECHANISM, where the brokers ask who it is. The password is no
    business of dbt, which logs what it runs. Create it once by hand:
        create secret kafka_sasl_password as '...'
    An existing connection is not changed: alter it when the brokers move.
-#}
    {%- set existing -%}
        select connections.name
        from mz_connections as connections
        inner join mz_schemas as schemas on connections.schema_id = schemas.id
        inner join mz_databases as databases on schemas.database_id = databases.id
        where databases.name = '{{ target.database }}'
            and schemas.name = '{{ target.schema }}'
            and connections.name = 'kafka_connection'
    {%- endset -%}
    {%- if run_query(existing).rows | length == 0 -%}
        {%- set brokers = env_var('KAFKA_BROKERS', '127.0.0.1:9092').split(',') | map('trim') | list -%}
        {%- set username = env_var('KAFKA_SASL_USERNAME', '') -%}
        {%- set create -%}
            create connection {{ kafka_connection() }} to kafka (
                {%- if brokers | length == 1 %}
                broker '{{ brokers[0] }}',
                {%- else %}
                brokers ('{{ brokers | join("', '") }}'),
                {%- endif %}
                {%- if username %}
                security protocol = 'SASL_SSL',
                sasl mechanisms = '{{ env_var('KAFKA_SASL_MECHANISM', 'PLAIN') }}',
                sasl username = '{{ username }}',
                sasl password = secret {{ target.database }}.{{ target.schema }}.kafka_sasl_password
                {%- else %}
                security protocol = 'PLAINTEXT'
                {%- endif %}
            )
        {%- endset -%}
        {%- do run_query(create) -%}
    {%- endif -%}
{% endmacro %}


{% macro kafka_connection() -%}
{#- Its full name, because sources and sinks live in other schemas. -#}
    {{ target.database }}.{{ target.schema }}.kafka_connection
{%- endmacro %}

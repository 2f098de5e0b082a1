{% materialization test, adapter='materialize' %}
{#-
    dbt-materialize drops stored failures and makes them anew each time a test
    runs, and with them everything that reads them. A continuous test is read by
    others: its view stays as long as it is the same query in the same cluster,
    which its comment tells. Every other test is dbt-materialize's business.
-#}
    {%- set is_continuous = should_store_failures()
        and config.get('store_failures_as') == 'materialized_view' -%}
    {%- if not is_continuous -%}
        {{ return(dbt.materialization_test_materialize()) }}
    {%- endif -%}

    {%- set relation = api.Relation.create(
        identifier=model['alias'], schema=schema, database=database, type='materialized_view'
    ) -%}
    {%- set cluster = adapter.generate_final_cluster_name(config.get('cluster', target.cluster)) -%}
    {%- set comment = 'What breaks this rule, at every moment. Definition ' ~ local_md5(cluster ~ sql) ~ '.' -%}
    {%- set stored = comment_of_failures(relation) -%}
    {%- if stored != comment -%}
        {%- if stored is not none -%}
            {%- do exceptions.warn(
                relation ~ ' has changed: what reads it is dropped with it; dbt build --select '
                ~ model['name'] ~ ' monitor_broken_rules+ makes all of it again'
            ) -%}
        {%- endif -%}
        {%- set result = dbt.materialization_test_materialize() -%}
        {%- call statement('comment') -%}
            comment on materialized view {{ relation }} is '{{ comment }}'
        {%- endcall -%}
        {{ return(result) }}
    {%- endif -%}

    {%- call statement('main', fetch_result=True) -%}
        {{ get_test_sql(
            'select * from ' ~ relation, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'),
            config.get('limit'), cluster
        ) }}
    {%- endcall -%}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

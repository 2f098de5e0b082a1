{% materialization writable_table, adapter='materialize' %}
{#-
    A table that people write: the model's body is its list of columns. It is
    created where it is missing, and neither a run nor --full-refresh drops it,
    because what people wrote is nowhere else.
-#}
    {%- set relation = api.Relation.create(
        identifier=model['alias'], schema=schema, database=database, type='table'
    ) -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        create table if not exists {{ relation }} (
            {{ sql }}
        )
    {%- endcall %}
    {% do persist_docs(relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

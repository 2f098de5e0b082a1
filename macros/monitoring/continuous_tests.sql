{#
    Tests that dbt stores as materialized views (tests/continuous): what breaks a
    rule is a row at once. monitor_broken_rules reads them.
#}


{% macro difference_by_window(
    left, right, left_measure, right_measure=none, window='window_start',
    broken_if='!= 0'
) -%}
{#-
    A row for each window in which the sum of a measure of the left relation less
    that of the right one is what it must not be. Both are maintained at the same
    timestamps, so the rule holds at every moment or one of them is wrong.
-#}
select
    window_start,
    sum(amount) as difference
from (
    select
        {{ window }} as window_start,
        {{ left_measure }}::numeric as amount
    from {{ left }}

    union all

    select
        {{ window }} as window_start,
        -({{ right_measure or left_measure }}::numeric) as amount
    from {{ right }}
) as sides
group by window_start
having sum(amount) {{ broken_if }}
{%- endmacro %}


{% macro comment_of_failures(relation) -%}
{#- The comment on stored failures; none where there are none, '' without one. -#}
    {%- set found = run_query(
        "select coalesce(comments.comment, '')"
        ~ " from mz_objects as objects"
        ~ " inner join mz_schemas as schemas on objects.schema_id = schemas.id"
        ~ " inner join mz_databases as databases on schemas.database_id = databases.id"
        ~ " left join mz_internal.mz_comments as comments"
        ~ " on objects.id = comments.id and comments.object_sub_id is null"
        ~ " where databases.name = '" ~ relation.database ~ "' and schemas.name = '" ~ relation.schema ~ "'"
        ~ " and objects.name = '" ~ relation.identifier ~ "'"
    ) -%}
    {{ return(found.rows[0][0] if found.rows else none) }}
{%- endmacro %}


{% macro continuous_tests() -%}
{#-
    The system, the rule and the relation of each. dbt knows no model that reads a
    test. Where a model refers to all that a test reads, `dbt build` makes it after
    the test; `dbt run` finds the test's view from before, or warns of what it leaves out.
-#}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | sort(attribute='name')
            if node.resource_type == 'test' and node.config.store_failures_as == 'materialized_view' -%}
            {%- set relation = api.Relation.create(
                database=node.database, schema=node.schema, identifier=node.alias
            ) -%}
            {%- for parent in node.depends_on.nodes if parent not in model.depends_on.nodes -%}
                {%- do exceptions.raise_compiler_error(
                    model.name ~ ' does not refer to ' ~ parent ~ ', which the test ' ~ node.name ~ ' reads'
                ) -%}
            {%- endfor -%}
            {%- if flags.WHICH in ('run', 'build') and comment_of_failures(relation) is none -%}
                {%- do exceptions.warn(
                    model.name ~ ' leaves the continuous test ' ~ node.name ~ ' out, which is not there yet:'
                    ~ ' dbt build --select tag:continuous ' ~ model.name ~ '+'
                ) -%}
            {%- else -%}
                {%- do found.append({'system': node.fqn[2], 'rule': node.name, 'relation': relation}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}


{% macro failures_of(tests) -%}
    {%- for test in tests %}
    select
        '{{ test.system }}' as system,
        '{{ test.rule }}' as rule,
        window_start,
        difference
    from {{ test.relation }}
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- else %}
    select
        null::text as system,
        null::text as rule,
        null::timestamp as window_start,
        null::numeric as difference
    where false
    {%- endfor -%}
{%- endmacro %}

{# What monitoring watches, and the two sides of what it counts. #}


{% macro monitored_topics() %}
{#-
    Each topic that a system reads: the models of its messages as they came, as
    they were typed and as silver keeps them, and the rules in between; what the
    event time is called in silver, if it has another name there.
-#}
    {%- set second_stage = [
        {
            'system': 'delivery', 'topic': 'payments', 'source': 'kafka_payments', 'events': 'bronze_payments',
            'kept': 'silver_payments', 'event_time': 'dt_current_timestamp', 'kept_time': 'payment_time',
            'tolerance': none, 'expectations': payment_expectations(),
        },
        {
            'system': 'delivery', 'topic': 'reviews', 'source': 'kafka_reviews', 'events': 'bronze_reviews',
            'kept': 'silver_reviews', 'event_time': 'dt_current_timestamp', 'kept_time': 'review_time',
            'tolerance': none, 'expectations': review_expectations(),
        },
        {
            'system': 'delivery', 'topic': 'dispatch', 'source': 'kafka_dispatch', 'events': 'bronze_dispatch',
            'kept': 'silver_dispatch', 'event_time': 'dt_current_timestamp', 'kept_time': 'dispatched_at',
            'tolerance': none, 'expectations': dispatch_expectations(),
        },
        {
            'system': 'delivery', 'topic': 'gps', 'source': 'kafka_gps', 'events': 'bronze_gps',
            'kept': 'silver_gps', 'event_time': 'dt_current_timestamp', 'kept_time': 'reported_at',
            'tolerance': none, 'expectations': gps_expectations(),
        },
    ] if var('second_stage') else [] -%}
    {{ return(second_stage + [
        {
            'system': 'delivery', 'topic': 'orders', 'source': 'kafka_orders', 'events': 'bronze_orders',
            'kept': 'silver_orders', 'event_time': 'order_date', 'tolerance': none,
            'expectations': order_expectations(),
        },
        {
            'system': 'delivery', 'topic': 'status', 'source': 'kafka_status', 'events': 'bronze_status',
            'kept': 'silver_status', 'event_time': 'status_time', 'tolerance': none,
            'expectations': status_expectations(),
        },
        {
            'system': 'kitchens', 'topic': 'kitchen-events', 'source': 'kafka_kitchen_events',
            'events': 'bronze_all_events', 'kept': 'silver_kitchen_events', 'event_time': 'ts',
            'tolerance': var('kitchens_lateness'), 'expectations': kitchen_event_expectations(),
        },
        {
            'system': 'clickstream', 'topic': 'web-events', 'source': 'kafka_web_events',
            'events': 'bronze_web_events', 'kept': 'silver_events', 'event_time': 'ts',
            'tolerance': var('clickstream_lateness'), 'expectations': web_event_expectations(),
        },
        {
            'system': 'santa', 'topic': 'santa-deliveries', 'source': 'kafka_santa_deliveries',
            'events': 'bronze_santa_deliveries', 'kept': 'silver_santa_deliveries', 'event_time': 'event_time',
            'tolerance': var('santa_lateness'), 'expectations': santa_delivery_expectations(),
        },
    ]) }}
{% endmacro %}


{% macro arrivals_and_events(topics) -%}
{#- A row for each message as it came, and one for each that could be typed. -#}
    {% for entry in topics -%}
    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        kafka_timestamp,
        1 as messages,
        0 as events,
        0 as slow_events,
        0 as late_events,
        null::numeric as latency_ms,
        null::timestamp as event_time
    from {{ entry.source }}

    union all

    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        kafka_timestamp,
        0 as messages,
        1 as events,
        case
            when
                kafka_timestamp
                > {{ entry.event_time }} + interval '{{ var("slo_latency") }}'
                then 1
            else 0
        end as slow_events,
        case
            when
                {{ meets_expectations(entry.expectations) }}
                and {{ is_late(
                    entry.event_time, 'kafka_timestamp', entry.tolerance
                ) }}
                then 1
            else 0
        end as late_events,
        {{ milliseconds_between(entry.event_time, 'kafka_timestamp') }}
            as latency_ms,
        {{ entry.event_time }} as event_time
    from {{ entry.events }}

    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
{%- endmacro %}


{% macro accepted_and_kept(topics) -%}
{#- A row for each event that was accepted, and one for each that silver keeps. -#}
    {% for entry in topics -%}
    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        {{ entry.event_time }} as event_time,
        1 as accepted,
        0 as kept
    from {{ entry.events }}
    where
        {{ meets_expectations(entry.expectations) }}
        and {{ is_timely(
            entry.event_time, 'kafka_timestamp', entry.tolerance
        ) }}

    union all

    select
        '{{ entry.system }}' as system,
        '{{ entry.topic }}' as topic,
        {{ entry.kept_time or entry.event_time }} as event_time,
        0 as accepted,
        1 as kept
    from {{ entry.kept }}

    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor %}
{%- endmacro %}


{% macro silent_systems(systems) -%}
{#- A row of zeros for each, in the form of the measures of monitor_slo. -#}
    {%- for system in systems %}
    select
        '{{ system }}' as system,
        0 as messages,
        0 as malformed_messages,
        0 as late_events,
        0 as slow_events,
        0 as broken_rules
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{% macro rows_of_gold_views() -%}
{#- The system, schema and name of each maintained view of gold, from dbt's graph. -#}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() | sort(attribute='name')
            if node.resource_type == 'model' and 'gold' in node.fqn and node.config.materialized == 'materialized_view' -%}
            {%- do found.append({'system': node.fqn[1], 'schema': node.schema, 'name': node.alias}) -%}
        {%- endfor -%}
    {%- endif -%}
    {#- While dbt parses there is no graph yet. -#}
    {%- for view in found or [{'system': 'none', 'schema': 'gold', 'name': 'none'}] %}
    select
        '{{ view.system }}' as system,
        '{{ view.schema }}' as schema_name,
        '{{ view.name }}' as view_name
    {%- if not loop.last %}

    union all
    {% endif -%}
    {%- endfor -%}
{%- endmacro %}

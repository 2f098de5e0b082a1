{# What monitoring watches, and the two sides of what it counts. #}


{% macro monitored_topics() %}
{#-
    Each topic that a system reads: the models of its messages as they came, as
    they were typed and as silver keeps them, and the rules in between.
-#}
    {{ return([
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


{% macro difference_by_window(system, rule, left, right, measure, broken_if='!= 0') -%}
{#-
    A row for each window in which the sum of a measure of the left relation less
    that of the right one is what it must not be. Both are maintained at the same
    timestamps, so the rule holds at every moment or one of them is wrong.
-#}
    select
        '{{ system }}' as system,
        '{{ rule }}' as rule,
        window_start,
        sum(amount) as difference
    from (
        select
            window_start,
            {{ measure }}::numeric as amount
        from {{ left }}

        union all

        select
            window_start,
            -({{ measure }}::numeric) as amount
        from {{ right }}
    ) as sides
    group by window_start
    having sum(amount) {{ broken_if }}
{%- endmacro %}

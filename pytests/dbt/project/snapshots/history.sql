{% snapshot history %}
{{ config(target_schema='refused', unique_key='id', strategy='check', check_cols='all') }}
select * from {{ ref('shops') }}
{% endsnapshot %}

{{ config(materialized='materialized_view') }}

with

decoded as (

    select * from {{ ref('bronze_kitchen_events_decoded') }}

),

typed as (

    select * from {{ ref('bronze_kitchen_events_typed') }}

),

quarantine as (

    {{ quarantined(
        'kitchen-events', 'decoded', 'typed', kitchen_event_contract()
    ) }}

)

select * from quarantine

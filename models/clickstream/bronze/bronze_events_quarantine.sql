{{ config(materialized='materialized_view') }}

with

decoded as (

    select * from {{ ref('bronze_events_decoded') }}

),

typed as (

    select * from {{ ref('bronze_events_typed') }}

),

quarantine as (

    {{ quarantined(
        'web-events', 'decoded', 'typed', web_event_contract()
    ) }}

)

select * from quarantine

{{ config(materialized='materialized_view') }}

with

decoded_dispatch as (

    select * from {{ ref('bronze_dispatch_decoded') }}

),

typed_dispatch as (

    select * from {{ ref('bronze_dispatch_typed') }}

),

decoded_gps as (

    select * from {{ ref('bronze_gps_decoded') }}

),

typed_gps as (

    select * from {{ ref('bronze_gps_typed') }}

),

quarantine as (

    {{ quarantined(
        'dispatch', 'decoded_dispatch', 'typed_dispatch', dispatch_contract()
    ) }}

    union all

    {{ quarantined(
        'gps', 'decoded_gps', 'typed_gps', gps_contract()
    ) }}

)

select * from quarantine

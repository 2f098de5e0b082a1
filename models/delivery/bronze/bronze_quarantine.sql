{{ config(materialized='materialized_view') }}

with

decoded_orders as (

    select * from {{ ref('bronze_orders_decoded') }}

),

typed_orders as (

    select * from {{ ref('bronze_orders_typed') }}

),

decoded_status as (

    select * from {{ ref('bronze_status_decoded') }}

),

typed_status as (

    select * from {{ ref('bronze_status_typed') }}

),

quarantine as (

    {{ quarantined(
        'orders', 'decoded_orders', 'typed_orders', orders_contract()
    ) }}

    union all

    {{ quarantined(
        'status', 'decoded_status', 'typed_status', status_contract()
    ) }}

)

select * from quarantine

{{ config(materialized='materialized_view') }}

with

decoded as (

    select * from {{ ref('bronze_santa_decoded') }}

),

typed as (

    select * from {{ ref('bronze_santa_typed') }}

),

quarantine as (

    {{ quarantined(
        'santa-deliveries', 'decoded', 'typed', santa_delivery_contract()
    ) }}

)

select * from quarantine

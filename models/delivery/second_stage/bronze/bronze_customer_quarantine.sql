{{ config(materialized='materialized_view') }}

with

decoded_payments as (

    select * from {{ ref('bronze_payments_decoded') }}

),

typed_payments as (

    select * from {{ ref('bronze_payments_typed') }}

),

decoded_reviews as (

    select * from {{ ref('bronze_reviews_decoded') }}

),

typed_reviews as (

    select * from {{ ref('bronze_reviews_typed') }}

),

quarantine as (

    {{ quarantined(
        'payments', 'decoded_payments', 'typed_payments', payments_contract()
    ) }}

    union all

    {{ quarantined(
        'reviews', 'decoded_reviews', 'typed_reviews', reviews_contract()
    ) }}

)

select * from quarantine

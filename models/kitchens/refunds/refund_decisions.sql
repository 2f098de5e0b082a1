{{ config(materialized='writable_table', schema='input') }}

-- noqa: disable=PRS
order_id uuid not null,
decision text not null,
amount numeric(14, 2) not null,
decided_by text not null,
decided_at timestamp not null,
note text

-- Types of columns that only Kafka sources have.
-- INCLUDE HEADERS gives an array of these (Materialize: a list of records).
create type mz_catalog.kafka_header as (key text, value bytea);
-- VALUE DECODING ERRORS = (INLINE) gives one of these (Materialize: a record).
create type mz_catalog.kafka_decode_error as (description text);

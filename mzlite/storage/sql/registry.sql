-- The registry: what exists, by id. Filled by the statement executors.
create sequence mzlite.object_ids as bigint;

-- What the dataflow engine keeps beside the stores: which objects it maintains, how far it has read, what waits to be published.

create table mzlite.dataflows (
    object_id text primary key,
    kind text not null,
    relation oid not null,
    definition oid,
    numbers bigint [] not null,
    position bigint generated always as identity
);
comment on table mzlite.dataflows is 'Maintained objects in the order of their making; numbers are those of their nodes.';

create sequence mzlite.node_numbers as bigint;
create sequence mzlite.ticks as bigint;

create table mzlite.offsets (
    source_id text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (source_id, partition)
);

create table mzlite.ingests (
    source_id text primary key,
    spec jsonb not null
);

create table mzlite.sinks (
    sink_id text primary key,
    from_id text not null,
    spec jsonb not null
);

create table mzlite.outbox (
    sink_id text not null,
    seq bigint generated always as identity,
    ts bigint not null,
    key text,
    value text,
    headers jsonb,
    partition_hash bigint,
    primary key (sink_id, seq)
);

create table mzlite.errors (
    object_id text primary key,
    sqlstate text not null,
    message text not null
);
comment on table mzlite.errors is 'Objects whose rows cannot be computed at present: reading them fails with this error until the offending row has gone.';

-- Part of every visible relation: true, or the error that its rows would raise.
create function mzlite.readable(id text) returns boolean
language plpgsql stable security definer parallel safe
set search_path = pg_catalog
as $$
declare
    found record;
begin
    select e.sqlstate, e.message into found from mzlite.errors as e where e.object_id = id;
    if found is not null then
        raise exception using errcode = found.sqlstate, message = found.message;
    end if;
    return true;
end
$$;
grant usage on schema mzlite to materialize;
grant execute on function mzlite.readable(text) to materialize;

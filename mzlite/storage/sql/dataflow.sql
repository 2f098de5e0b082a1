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

-- The sum of multiplicities, without the detour over numeric that sum(bigint) takes; nothing adds up to 0.
create aggregate mzlite.total(bigint) (sfunc = int8pl, stype = bigint, initcond = '0', parallel = safe);

-- What a maintained object takes on disk.
create function mzlite.stored_bytes(object_id text) returns bigint
language sql stable security definer parallel safe
begin atomic
select coalesce(sum(pg_total_relation_size(c.oid::regclass)), 0)::bigint
from mzlite.dataflows as d
cross join unnest(d.numbers) as u (number)
inner join pg_catalog.pg_class as c on c.relname = 'n_' || u.number
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'mzlite_data'
where d.object_id = stored_bytes.object_id;
end;

create view mz_catalog.mz_storage_usage as
select o.id as object_id, mzlite.stored_bytes(o.id)::mz_catalog.uint8 as size_bytes, now() as collection_timestamp
from mzlite.objects as o
where o.type in ('table', 'source', 'materialized-view');

create view mz_catalog.mz_recent_storage_usage as
select object_id, size_bytes from mz_catalog.mz_storage_usage;

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

create table mzlite.generators (
    source_id text primary key,
    spec jsonb not null
);

create table mzlite.sinks (
    sink_id text primary key,
    from_id text not null,
    spec jsonb not null,
    restored text,
    restored_at bigint
);
comment on column mzlite.sinks.restored is 'Which restoration of a backup it has to agree with its topic after, if there was one; its position says whether it has.';
comment on column mzlite.sinks.restored_at is 'The last tick that the backup has.';

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

create table mzlite.source_errors (
    object_id text not null,
    cause text not null,
    message text not null,
    primary key (object_id, cause)
);
comment on table mzlite.source_errors is 'Sources that have an error, and all that read them; the rows behind it are kept up to date. Cause: which error of which source.';

-- What ASSERT NOT NULL makes of a column.
create function mzlite.not_null(value anyelement, name text) returns anyelement
language plpgsql immutable parallel safe
as $$
begin
    if value is null then
        raise exception using errcode = '22004', message = format('column %s must not be null', to_json(name));
    end if;
    return value;
end
$$;

-- Part of every visible relation: true, or the error that its rows would raise.
create function mzlite.readable(id text) returns boolean
language plpgsql stable security definer parallel safe
set search_path = pg_catalog
as $$
declare
    found record;
begin
    select e.sqlstate, e.message into found from mzlite.errors as e where e.object_id = id;
    if found is null then
        select 'XX000' as sqlstate, e.message into found from mzlite.source_errors as e
        where e.object_id = id order by e.cause limit 1;
    end if;
    if found is not null then
        raise exception using errcode = found.sqlstate, message = found.message;
    end if;
    return true;
end
$$;
grant usage on schema mzlite to materialize;
grant execute on function mzlite.readable(text) to materialize;

-- The value of a scalar subquery with several rows; the argument gives its type.
create function mzlite.many_records(value anyelement) returns anyelement
language plpgsql immutable parallel safe
as $$
begin
    raise exception 'more than one record produced in subquery' using errcode = 'cardinality_violation';
end
$$;

-- Sums of floating point numbers in fixed point, as Materialize keeps them: found before PostgreSQL's own.
-- The state holds the scaled sum and how many values were not a number, infinite, negatively infinite, and in all.
create function mzlite.add_double(state numeric [], x double precision) returns numeric []
language sql immutable parallel safe
return case
    when x is null then state
    when x = 'NaN' then array[state[1], state[2] + 1, state[3], state[4], numeric_add(state[5], 1)]
    when x = 'Infinity' then array[state[1], state[2], state[3] + 1, state[4], numeric_add(state[5], 1)]
    when x = '-Infinity' then array[state[1], state[2], state[3], state[4] + 1, numeric_add(state[5], 1)]
    when abs(x) < 5e11 then array[numeric_add(state[1], trunc(x * 16777216)::bigint), state[2], state[3], state[4], numeric_add(state[5], 1)]
    else array[numeric_add(state[1], trunc(x * 16777216)::numeric), state[2], state[3], state[4], numeric_add(state[5], 1)]
end;
create function mzlite.add_real(state numeric [], x real) returns numeric []
language sql immutable parallel safe return mzlite.add_double(state, x::double precision);
create function mzlite.double_total(state numeric []) returns double precision
language sql immutable parallel safe
return case
    when state[5] = 0 then null
    when state[2] > 0 or (state[3] > 0 and state[4] > 0) then 'NaN'::double precision
    when state[3] > 0 then 'Infinity'::double precision
    when state[4] > 0 then '-Infinity'::double precision
    else numeric_div(state[1], 16777216)::double precision
end;
create function mzlite.real_total(state numeric []) returns real
language sql immutable parallel safe return mzlite.double_total(state)::real;
create function mzlite.double_average(state numeric []) returns double precision
language sql immutable parallel safe return mzlite.double_total(state) / nullif(state[5], 0)::double precision;

create aggregate mz_catalog.sum(double precision) (sfunc = mzlite.add_double, stype = numeric [], finalfunc = mzlite.double_total, initcond = '{0,0,0,0,0}', parallel = safe);
create aggregate mz_catalog.sum(real) (sfunc = mzlite.add_real, stype = numeric [], finalfunc = mzlite.real_total, initcond = '{0,0,0,0,0}', parallel = safe);
create aggregate mz_catalog.avg(double precision) (sfunc = mzlite.add_double, stype = numeric [], finalfunc = mzlite.double_average, initcond = '{0,0,0,0,0}', parallel = safe);
create aggregate mz_catalog.avg(real) (sfunc = mzlite.add_real, stype = numeric [], finalfunc = mzlite.double_average, initcond = '{0,0,0,0,0}', parallel = safe);

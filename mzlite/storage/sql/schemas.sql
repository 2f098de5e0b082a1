-- Schemas, roles and the format marker.
-- Visible to clients: public, mz_catalog, mz_internal, mz_introspection, mz_unsafe.
-- Hidden: mzlite (registry, clock), mzlite_def (definition views), mzlite_data (stores), mzlite_inbox (writes that wait for a tick),
-- mzlite_compare (operators that sort and group what queries cannot compare).

-- Over an older version's database: what only_in_postgres.sql has hidden is there again while the scripts run.
set local allow_system_table_mods = on;
update pg_catalog.pg_proc set pronamespace = 'pg_catalog'::regnamespace
where pronamespace = (select oid from pg_catalog.pg_namespace where nspname = 'mzlite_postgres');
update pg_catalog.pg_operator set oprnamespace = 'pg_catalog'::regnamespace
where oprnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'mzlite_postgres');

create schema mz_catalog;
create schema mz_internal;
create schema mz_introspection;
create schema mz_unsafe;

create schema mzlite;
create schema mzlite_def;
create schema mzlite_data;
create schema mzlite_inbox;
create schema mzlite_compare;

-- One role for all clients; who may do what is decided by mzlite, not by the inner PostgreSQL.
-- Roles belong to the whole cluster, so a database that was left half made may find it there.
do $$
begin
    if not exists (select from pg_roles where rolname = 'materialize') then
        create role materialize login nosuperuser nocreatedb nocreaterole;
    end if;
end
$$;
alter role materialize set default_transaction_isolation = 'repeatable read';

revoke all on database materialize from public;
grant connect on database materialize to materialize;
-- Clients cannot name these functions; should a statement ever slip through, it still cannot call them.
do $$
declare
    dangerous regprocedure;
begin
    for dangerous in
        select p.oid::regprocedure from pg_proc as p
        where p.pronamespace = 'pg_catalog'::regnamespace
            and p.proname ~ '^(lo_|lowrite$|loread$|pg_(try_)?advisory_|pg_terminate_|pg_sleep|pg_export_snapshot|pg_notify|pg_logical_|.*_to_xml)'
    loop
        execute format('revoke execute on function %s from public', dangerous);
    end loop;
end
$$;
revoke usage on language plpgsql, sql from public;
revoke all on schema public from public;
grant usage on schema public, mz_catalog, mz_internal, mz_introspection, mz_unsafe to materialize;
alter default privileges in schema public, mz_catalog, mz_internal, mz_introspection, mz_unsafe
grant select on tables to materialize;
alter database materialize set search_path = mz_catalog, mzlite_pg, pg_catalog, public;

create table mzlite.format (
    version integer not null,
    fingerprint text
);
comment on table mzlite.format is 'What wrote the directory: the format, and a hash of the bootstrap scripts that have run.';

create table mzlite.long_names (
    short text primary key,
    name text not null
);
comment on table mzlite.long_names is 'What short names stand for: a name of more than 63 bytes has another one inside.';

create table mzlite.clock (
    singleton boolean primary key default true check (singleton),
    last_tick bigint not null,
    next_due bigint,
    held bigint
);
comment on table mzlite.clock is 'Milliseconds since 1970: the last tick, the moment the next temporal event falls due, and the moment a test holds the clock at.';
insert into mzlite.clock (last_tick) values ((extract(epoch from clock_timestamp()) * 1000)::bigint);

create table mzlite.environment (
    singleton boolean primary key default true check (singleton),
    environment_id uuid not null
);
insert into mzlite.environment (environment_id) values (gen_random_uuid());

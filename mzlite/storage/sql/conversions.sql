-- What PostgreSQL converts by itself and Materialize only where a cast is written, and the other way round. Where there is a cast of
-- its own between two types, PostgreSQL looks no further: not whether the text of one is one of the other.

set local allow_system_table_mods = on;

do $do$
declare
    source text;
    target text;
begin
    foreach source in array array['oid', 'regclass', 'regproc', 'regtype', 'int2vector'] loop
        foreach target in array array['text', 'varchar', 'bpchar'] loop
            execute format('create cast (%s as %s) with inout', source, target);
        end loop;
    end loop;
end
$do$;
update pg_catalog.pg_cast set castcontext = 'e'
where castsource in ('text'::regtype, 'varchar'::regtype) and casttarget = 'regclass'::regtype;

-- A moment of Materialize is a number among its kind, and made of every kind of text.
update pg_catalog.pg_type set typcategory = 'N' where oid = 'mz_catalog.mz_timestamp'::regtype;
create function mz_catalog.mz_timestamp(bpchar) returns mz_catalog.mz_timestamp language sql immutable strict parallel safe
return mz_catalog.mz_timestamp($1::text);
create cast (varchar as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(text) as assignment;
create cast (bpchar as mz_catalog.mz_timestamp) with function mz_catalog.mz_timestamp(bpchar) as assignment;
